// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// A small ERC-20 for development chains that behaves like USDT: an owner mints, can pause it and can block accounts.
/// A silent token returns nothing from transfer, transferFrom and approve, as USDT on Ethereum does.
contract DevToken {
    string public name;
    string public symbol;
    uint8 public immutable decimals;
    bool public immutable silent;
    address public immutable owner;

    uint256 public totalSupply;
    bool public paused;
    mapping(address => uint256) public balanceOf;
    mapping(address => mapping(address => uint256)) public allowance;
    mapping(address => bool) public blocked;

    event Transfer(address indexed from, address indexed to, uint256 value);
    event Approval(address indexed owner, address indexed spender, uint256 value);

    error NotOwner();
    error Paused();
    error Blocked(address account);
    error InsufficientBalance(uint256 available, uint256 wanted);
    error InsufficientAllowance(uint256 available, uint256 wanted);

    constructor(string memory name_, string memory symbol_, uint8 decimals_, bool silent_, address owner_) {
        name = name_;
        symbol = symbol_;
        decimals = decimals_;
        silent = silent_;
        owner = owner_;
    }

    modifier onlyOwner() {
        if (msg.sender != owner) revert NotOwner();
        _;
    }

    function mint(address to, uint256 value) external onlyOwner {
        totalSupply += value;
        unchecked {
            balanceOf[to] += value;
        }
        emit Transfer(address(0), to, value);
    }

    function setPaused(bool paused_) external onlyOwner {
        paused = paused_;
    }

    function setBlocked(address account, bool blocked_) external onlyOwner {
        blocked[account] = blocked_;
    }

    function approve(address spender, uint256 value) external returns (bool) {
        allowance[msg.sender][spender] = value;
        emit Approval(msg.sender, spender, value);
        return _answer();
    }

    function transfer(address to, uint256 value) external returns (bool) {
        _move(msg.sender, to, value);
        return _answer();
    }

    function transferFrom(address from, address to, uint256 value) external returns (bool) {
        uint256 allowed = allowance[from][msg.sender];
        if (allowed < value) revert InsufficientAllowance(allowed, value);
        if (allowed != type(uint256).max) allowance[from][msg.sender] = allowed - value;
        _move(from, to, value);
        return _answer();
    }

    function _move(address from, address to, uint256 value) private {
        if (paused) revert Paused();
        if (blocked[from]) revert Blocked(from);
        uint256 available = balanceOf[from];
        if (available < value) revert InsufficientBalance(available, value);
        unchecked {
            balanceOf[from] = available - value;
            balanceOf[to] += value;
        }
        emit Transfer(from, to, value);
    }

    function _answer() private view returns (bool) {
        if (silent) {
            assembly {
                return(0, 0)
            }
        }
        return true;
    }
}

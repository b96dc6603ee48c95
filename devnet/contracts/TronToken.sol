// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

interface UpgradedToken {
    function transferByLegacy(address from, address to, uint256 value) external returns (bool);
    function transferFromByLegacy(address sender, address from, address to, uint256 value)
        external
        returns (bool);
    function approveByLegacy(address from, address spender, uint256 value) external returns (bool);
}

/// What TRON's USDT can do to its holders: a fee on the way, a pause, a black list that can be emptied, a successor
/// that takes over. Its transfers answer with a bool, unlike those of Ethereum's USDT.
contract TronToken {
    uint256 private constant MAX_BASIS_POINTS = 20;

    string public name;
    string public symbol;
    uint8 public immutable decimals;
    address public owner;
    uint256 public basisPointsRate;
    uint256 public maximumFee;
    bool public paused;
    bool public deprecated;
    address public upgradedAddress;

    uint256 private supply;
    mapping(address => uint256) private balances;
    mapping(address => mapping(address => uint256)) public allowance;
    mapping(address => bool) public isBlackListed;

    event Transfer(address indexed from, address indexed to, uint256 value);
    event Approval(address indexed owner, address indexed spender, uint256 value);
    event Issue(uint256 amount);
    event Params(uint256 feeBasisPoints, uint256 maxFee);
    event Deprecate(address newAddress);
    event AddedBlackList(address indexed user);
    event RemovedBlackList(address indexed user);
    event DestroyedBlackFunds(address indexed user, uint256 balance);
    event Pause();
    event Unpause();

    modifier onlyOwner() {
        require(msg.sender == owner);
        _;
    }

    modifier whenNotPaused() {
        require(!paused);
        _;
    }

    constructor(string memory name_, string memory symbol_, uint8 decimals_, address owner_) {
        name = name_;
        symbol = symbol_;
        decimals = decimals_;
        owner = owner_;
    }

    function totalSupply() external view returns (uint256) {
        return deprecated ? TronToken(upgradedAddress).totalSupply() : supply;
    }

    function balanceOf(address account) external view returns (uint256) {
        return deprecated ? TronToken(upgradedAddress).balanceOf(account) : balances[account];
    }

    function transfer(address to, uint256 value) external whenNotPaused returns (bool) {
        require(!isBlackListed[msg.sender]);
        if (deprecated) return UpgradedToken(upgradedAddress).transferByLegacy(msg.sender, to, value);
        return _move(msg.sender, to, value);
    }

    function transferFrom(address from, address to, uint256 value) external whenNotPaused returns (bool) {
        require(!isBlackListed[from]);
        if (deprecated) {
            return UpgradedToken(upgradedAddress).transferFromByLegacy(msg.sender, from, to, value);
        }
        uint256 allowed = allowance[from][msg.sender];
        if (allowed < type(uint256).max) allowance[from][msg.sender] = allowed - value;
        return _move(from, to, value);
    }

    function approve(address spender, uint256 value) external whenNotPaused returns (bool) {
        if (deprecated) return UpgradedToken(upgradedAddress).approveByLegacy(msg.sender, spender, value);
        allowance[msg.sender][spender] = value;
        emit Approval(msg.sender, spender, value);
        return true;
    }

    function calcFee(uint256 value) public view returns (uint256) {
        uint256 fee = value * basisPointsRate / 10_000;
        return fee > maximumFee ? maximumFee : fee;
    }

    function setParams(uint256 newBasisPoints, uint256 newMaxFee) external onlyOwner {
        require(newBasisPoints < MAX_BASIS_POINTS);
        basisPointsRate = newBasisPoints;
        maximumFee = newMaxFee * 10 ** decimals;
        emit Params(basisPointsRate, maximumFee);
    }

    function issue(uint256 amount) external onlyOwner {
        balances[owner] += amount;
        supply += amount;
        emit Issue(amount);
        emit Transfer(address(0), owner, amount);
    }

    function deprecate(address successor) external onlyOwner {
        deprecated = true;
        upgradedAddress = successor;
        emit Deprecate(successor);
    }

    function addBlackList(address user) external onlyOwner {
        isBlackListed[user] = true;
        emit AddedBlackList(user);
    }

    function removeBlackList(address user) external onlyOwner {
        isBlackListed[user] = false;
        emit RemovedBlackList(user);
    }

    function destroyBlackFunds(address user) external onlyOwner {
        require(isBlackListed[user]);
        uint256 dirty = balances[user];
        balances[user] = 0;
        supply -= dirty;
        emit DestroyedBlackFunds(user, dirty);
    }

    function pause() external onlyOwner whenNotPaused {
        paused = true;
        emit Pause();
    }

    function unpause() external onlyOwner {
        require(paused);
        paused = false;
        emit Unpause();
    }

    function _move(address from, address to, uint256 value) private returns (bool) {
        require(to != address(0));
        uint256 fee = calcFee(value);
        balances[from] -= value;
        balances[to] += value - fee;
        emit Transfer(from, to, value - fee);
        if (fee > 0) {
            balances[owner] += fee;
            emit Transfer(from, owner, fee);
        }
        return true;
    }
}

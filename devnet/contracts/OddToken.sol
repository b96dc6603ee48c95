// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// A token that does, or only says, whatever a test asks of it: logs without money, money without logs, malformed logs.
contract OddToken {
    string public constant name = "Odd Token";
    string public constant symbol = "ODD";
    uint8 public constant decimals = 6;

    mapping(address => uint256) public balanceOf;

    event Transfer(address indexed from, address indexed to, uint256 value);
    event Approval(address indexed owner, address indexed spender, uint256 value);

    /// Says no by its answer alone: nothing moves and nothing is logged, and the transaction succeeds.
    function transfer(address, uint256) external pure returns (bool) {
        return false;
    }

    /// Logs an allowance, moves nothing.
    function approve(address spender, uint256 value) external returns (bool) {
        emit Approval(msg.sender, spender, value);
        return true;
    }

    /// Logs a transfer of which nothing arrives, as a rebasing token may in the end.
    function pretend(address to, uint256 value) external {
        emit Transfer(msg.sender, to, value);
    }

    /// Moves and logs, the exact sum.
    function give(address to, uint256 value) external {
        unchecked {
            balanceOf[to] += value;
        }
        emit Transfer(msg.sender, to, value);
    }

    /// Moves and logs for a sender that did not ask, as whoever holds an allowance can.
    function giveFrom(address from, address to, uint256 value) external {
        unchecked {
            balanceOf[to] += value;
        }
        emit Transfer(from, to, value);
    }

    /// Takes a balance away without a log, as a rebase does.
    function shrink(address account, uint256 value) external {
        balanceOf[account] -= value;
    }

    /// Every shape of a Transfer log that EIP-20 does not have, each in the place where a careless reader finds money.
    function malformed(address to, uint256 value) external {
        bytes32 topic = Transfer.selector;
        bytes32 from = bytes32(uint256(uint160(msg.sender)));
        bytes32 receiver = bytes32(uint256(uint160(to)));
        bytes32 dirty = receiver | bytes32(uint256(1) << 200);
        assembly {
            mstore(0, value)
            mstore(32, value)
            log1(0, 32, topic)
            log2(0, 32, topic, receiver)
            log3(0, 0, topic, from, receiver) // no data
            log3(0, 31, topic, from, receiver)
            log3(0, 33, topic, from, receiver)
            log3(0, 64, topic, from, receiver)
            log3(0, 32, topic, from, dirty) // no address
            log4(0, 0, topic, from, receiver, value) // an NFT's (EIP-721)
            log4(0, 32, topic, from, receiver, value)
        }
    }
}

/// Takes a tenth of every transfer. An honest one logs what arrives, a lying one what was sent.
contract FeeToken {
    string public constant name = "Fee Token";
    string public constant symbol = "FEE";
    uint8 public constant decimals = 6;
    bool public immutable lies;

    mapping(address => uint256) public balanceOf;

    event Transfer(address indexed from, address indexed to, uint256 value);

    constructor(bool lies_) {
        lies = lies_;
    }

    function mint(address to, uint256 value) external {
        balanceOf[to] += value;
        emit Transfer(address(0), to, value);
    }

    function transfer(address to, uint256 value) external returns (bool) {
        uint256 fee = value / 10;
        balanceOf[msg.sender] -= value;
        balanceOf[to] += value - fee;
        balanceOf[address(this)] += fee;
        emit Transfer(msg.sender, to, lies ? value : value - fee);
        if (!lies) emit Transfer(msg.sender, address(this), fee);
        return true;
    }
}

/// Runs another contract's code on its own storage, as USDC does: what that code logs is this contract's log.
contract TokenProxy {
    address public immutable implementation;

    constructor(address implementation_) {
        implementation = implementation_;
    }

    fallback() external payable {
        address code = implementation;
        assembly {
            calldatacopy(0, 0, calldatasize())
            let ok := delegatecall(gas(), code, 0, calldatasize(), 0, 0)
            returndatacopy(0, 0, returndatasize())
            if iszero(ok) { revert(0, returndatasize()) }
            return(0, returndatasize())
        }
    }
}

// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

interface SentToken {
    function transfer(address to, uint256 value) external;
}

/// Pays while it is being created: the transaction has no receiver at all.
contract Newborn {
    constructor(address payable to) payable {
        (bool ok,) = to.call{value: msg.value}("");
        require(ok);
    }
}

/// Holds coins until it is told to destroy itself; since EIP-6780 it stays, and its coins go all the same.
contract Purse {
    receive() external payable {}

    function spill(address payable to) external {
        selfdestruct(to);
    }
}

/// Pays one receiver, and another one in a call that is undone: a successful transaction of which a part was reverted.
contract HalfPayer {
    error Undone();

    function pay(address payable kept, address payable undone) external payable {
        (bool ok,) = kept.call{value: msg.value / 2}("");
        require(ok);
        try this.payAndRevert{value: msg.value / 2}(undone) {} catch {}
        (ok,) = msg.sender.call{value: address(this).balance}("");
        require(ok);
    }

    function payAndRevert(address payable to) external payable {
        (bool ok,) = to.call{value: msg.value}("");
        require(ok);
        revert Undone();
    }

    /// The same with a token of which this contract holds some.
    function payTokens(address token, address kept, address undone, uint256 value) external {
        SentToken(token).transfer(kept, value);
        try this.payTokensAndRevert(token, undone, value) {} catch {}
    }

    function payTokensAndRevert(address token, address to, uint256 value) external {
        SentToken(token).transfer(to, value);
        revert Undone();
    }
}

/// Runs a receiver's code (it has none) with this contract's coins: traces name the receiver and the value, and no coin
/// moves. With `callcode` the coins even go through a transfer, to this contract itself.
contract Pretender {
    error Undone();

    function byDelegatecall(address to) external payable {
        (bool ok,) = to.delegatecall("");
        require(ok);
    }

    function byCallcode(address to) external payable {
        bool ok;
        assembly {
            ok := callcode(gas(), to, callvalue(), 0, 0, 0, 0)
        }
        require(ok);
    }

    function byStaticcall(address to) external payable {
        (bool ok,) = to.staticcall("");
        require(ok);
    }

    /// Sends in a call that fails for want of coins: the trace has the value, and an error.
    function withoutCoins(address payable to) external payable {
        (bool ok,) = to.call{value: address(this).balance + 1}("");
        require(!ok);
    }
}

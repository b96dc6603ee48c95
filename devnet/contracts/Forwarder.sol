// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

interface Token {
    function transferFrom(address from, address to, uint256 value) external returns (bool);
}

/// Sends value on from inside a contract call, as the withdrawal contracts of exchanges do: no top-level
/// transaction names the receiver, so only traces or balances show that the money arrived.
contract Forwarder {
    error WrongTotal(uint256 sent, uint256 wanted);
    error Refused(address to);
    error Undone();

    /// All of the call's value to one address.
    function send(address payable to) external payable {
        _pay(to, msg.value);
    }

    /// One transaction, many receivers. An address may be named more than once.
    function sendMany(address payable[] calldata to, uint256[] calldata values) external payable {
        uint256 total;
        for (uint256 i = 0; i < to.length; i++) {
            _pay(to[i], values[i]);
            total += values[i];
        }
        if (total != msg.value) revert WrongTotal(msg.value, total);
    }

    /// The call's value arrives without a call to the receiver.
    function sendBySelfdestruct(address payable to) external payable {
        new Bomb{value: msg.value}(to);
    }

    /// A successful transaction in which the transfer to the receiver was undone: nothing arrives.
    function sendThenUndo(address payable to) external payable {
        try this.sendAndRevert{value: msg.value}(to) {} catch {}
        _pay(payable(msg.sender), msg.value);
    }

    function sendAndRevert(address payable to) external payable {
        _pay(to, msg.value);
        revert Undone();
    }

    /// Many token transfers in one transaction, out of the caller's balance and under its allowance.
    function sendTokens(address token, address[] calldata to, uint256[] calldata values) external {
        for (uint256 i = 0; i < to.length; i++) {
            // A low-level call, since a silent token answers with nothing.
            (bool ok, bytes memory answer) =
                token.call(abi.encodeCall(Token.transferFrom, (msg.sender, to[i], values[i])));
            if (!ok || (answer.length != 0 && !abi.decode(answer, (bool)))) revert Refused(to[i]);
        }
    }

    function _pay(address payable to, uint256 value) private {
        (bool ok,) = to.call{value: value}("");
        if (!ok) revert Refused(to);
    }
}

/// Destroys itself at birth, which moves its value without calling the receiver.
contract Bomb {
    constructor(address payable to) payable {
        selfdestruct(to);
    }
}

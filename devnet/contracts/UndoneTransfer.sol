// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// Pays and takes it back. A contract of its own, as TRON's machine lets no contract send TRX to itself.
contract Undoer {
    error Undone();

    function payAndRevert(address payable to) external payable {
        (bool ok,) = to.call{value: msg.value}("");
        require(ok);
        revert Undone();
    }
}

/// A successful transaction in which the transfer to the receiver was undone: nothing arrives.
contract UndoneTransfer {
    Undoer private immutable undoer = new Undoer();

    function send(address payable to) external payable {
        try undoer.payAndRevert{value: msg.value}(to) {} catch {}
        (bool ok,) = msg.sender.call{value: msg.value}("");
        require(ok);
    }
}

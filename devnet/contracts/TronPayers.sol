// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// Pays, and takes it back with everything that its call did.
contract Undoer {
    error Undone();

    function payAndRevert(address payable to) external payable {
        (bool ok,) = to.call{value: msg.value}("");
        require(ok);
        revert Undone();
    }
}

/// What HalfPayer does, on TRON: there a contract that sends coins to itself fails, so another one is undone.
contract TronHalfPayer {
    Undoer private immutable undoer = new Undoer();

    function pay(address payable kept, address payable undone) external payable {
        (bool ok,) = kept.call{value: msg.value / 2}("");
        require(ok);
        try undoer.payAndRevert{value: msg.value / 2}(undone) {} catch {}
        (ok,) = msg.sender.call{value: address(this).balance}("");
        require(ok);
    }
}

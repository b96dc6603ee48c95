// What TRON's own client does at a node, told as JSON for a test:
//   node session.js URL PRIVATE_KEY RECEIVER ARTEFACT
// Transactions are built, signed and checked by the client; the node sees finished ones alone.
"use strict";
const fs = require("fs");
const { TronWeb } = require("tronweb");

const [url, privateKey, receiver, artefactPath] = process.argv.slice(2);
const client = new TronWeb({ fullHost: url, privateKey });
const owner = client.defaultAddress.base58;

async function send(transaction) {
  const signed = await client.trx.sign(transaction);
  const answer = await client.trx.sendRawTransaction(signed);
  if (!answer.result) throw new Error(JSON.stringify(answer));
  return client.trx.getUnconfirmedTransactionInfo(answer.txid ?? signed.txID);
}

async function transfers() {
  const build = client.transactionBuilder;
  const memo = await build.addUpdateData(await build.sendTrx(receiver, 1_000_000), "an order", "utf8");
  const transfer = await send(memo);
  const read = await client.trx.getTransaction(transfer.id);
  return {
    transfer,
    memo: client.toUtf8(read.raw_data.data),
    balance: await client.trx.getUnconfirmedBalance(receiver),
    block: (await client.trx.getBlockByNumber(transfer.blockNumber)).transactions.map((each) => each.txID),
    bandwidth: await client.trx.getBandwidth(owner),
  };
}

async function stakes() {
  const build = client.transactionBuilder;
  const frozen = await send(await build.freezeBalanceV2(50_000_000_000, "ENERGY"));
  const lent = await send(await build.delegateResource(20_000_000_000, receiver, "ENERGY", owner));
  const resources = await client.trx.getAccountResources(receiver);
  const delegated = await client.trx.getDelegatedResourceV2(owner, receiver, { confirmed: false });
  const index = await client.trx.getDelegatedResourceAccountIndexV2(owner, { confirmed: false });
  const back = await send(await build.undelegateResource(5_000_000_000, receiver, "ENERGY", owner));
  const most = await client.trx.getCanDelegatedMaxSize(owner, "ENERGY", { confirmed: false });
  const unfrozen = await send(await build.unfreezeBalanceV2(1_000_000_000, "ENERGY"));
  const account = await client.trx.getUnconfirmedAccount(owner);
  return { frozen, lent, resources, delegated, index, back, most, unfrozen, account };
}

async function contracts() {
  const artefact = JSON.parse(fs.readFileSync(artefactPath, "utf8"));
  const creation = await client.transactionBuilder.createSmartContract({
    abi: artefact.abi,
    bytecode: artefact.bytecode.replace(/^0x/, ""),
    parameters: ["Tether USD", "USDT", 6, false, owner],
    name: "TetherToken",
    feeLimit: 5_000_000_000,
  });
  const deployed = await send(creation);
  const token = await client.contract().at(deployed.contract_address);
  const feeLimit = 100_000_000;
  const minted = await token.mint(owner, 5_000_000).send({ feeLimit });
  const sent = await token.transfer(receiver, 1_250_000).send({ feeLimit });
  const refused = await token.transfer(receiver, 99_000_000).send({ feeLimit });
  return {
    deployed,
    address: creation.contract_address,
    symbol: await token.symbol().call(),
    balance: String(await token.balanceOf(receiver).call()),
    minted: await client.trx.getUnconfirmedTransactionInfo(minted),
    sent: await client.trx.getUnconfirmedTransactionInfo(sent),
    refused: await client.trx.getUnconfirmedTransactionInfo(refused),
    estimate: await client.transactionBuilder.estimateEnergy(
      deployed.contract_address, "transfer(address,uint256)", {},
      [{ type: "address", value: receiver }, { type: "uint256", value: 1 }], owner,
    ),
  };
}

async function permissions() {
  const account = await client.trx.getUnconfirmedAccount(owner);
  const active = { ...account.active_permission[0], type: 2, permission_name: "payouts", threshold: 1 };
  const holder = { type: 0, permission_name: "owner", threshold: 1, keys: account.owner_permission.keys };
  const changed = await send(
    await client.transactionBuilder.updateAccountPermissions(client.address.toHex(owner), holder, null, [active]),
  );
  const after = await client.trx.getUnconfirmedAccount(owner);
  return { changed, name: after.active_permission[0].permission_name };
}

async function main() {
  const told = { owner };
  for (const part of [transfers, stakes, contracts, permissions]) {
    told[part.name] = await part();
  }
  process.stdout.write(JSON.stringify(told));
}

main().catch((error) => {
  process.stderr.write(`${error.stack ?? JSON.stringify(error)}\n`);
  process.exitCode = 1;
});

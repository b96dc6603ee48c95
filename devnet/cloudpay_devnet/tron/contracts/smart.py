"""Smart contracts: deployed and called by transactions, at the cost of energy."""

from cloudpay_devnet.tron.addresses import PREFIX, hash_of, is_address, of_contract
from cloudpay_devnet.tron.contracts.checks import owner_account, require
from cloudpay_devnet.tron.contracts.energy import Sponsor, allowance, pay
from cloudpay_devnet.tron.transactions import id_of
from cloudpay_devnet.tron.tvm import Block, Message, Outcome, Result, execute
from cloudpay_devnet.tron.world import Moment, World
from cloudpay_tron.protocol import tron_pb2 as tron

_LONGEST_NAME = 32
_MOST_PERCENT = 100
_VERSION = 1


def run(
    world: World,
    moment: Moment,
    transaction: tron.Transaction,
    contract: tron.CreateSmartContract | tron.TriggerSmartContract,
    info: tron.TransactionInfo,
) -> "tron.Transaction.Result.contractResult.ValueType":
    """Carry out a deployment or call and charge its energy; whatever came of it is in the receipt."""
    limit = transaction.raw_data.fee_limit
    most = world.parameters.max_fee_limit
    require(0 <= limit <= most, f"feeLimit must be >= 0 and <= {most}")
    if isinstance(contract, tron.CreateSmartContract):
        sponsor = None
        message = deployment(world, moment, contract, id_of(transaction), limit)
    else:
        sponsor = sponsor_of(world, contract.contract_address)
        message = call(world, moment, contract, id_of(transaction), limit)
    outcome = execute(world.state, message, block_of(world, moment))
    if outcome.result is Result.SUCCESS:
        _remember(world, moment, contract, message, outcome)
    info.fee += pay(world, moment, contract.owner_address, sponsor, outcome.energy_used, info.receipt)
    write(outcome, info)
    if message.contract_address is not None:
        info.contract_address = PREFIX + message.contract_address
    elif isinstance(contract, tron.TriggerSmartContract):
        info.contract_address = contract.contract_address
    return info.receipt.result


def block_of(world: World, moment: Moment) -> Block:
    """The block as contracts see it."""
    return Block(
        number=moment.number,
        timestamp=moment.timestamp // 1000,
        coinbase=moment.witness[1:],
        chain_id=moment.chain_id,
        energy_price=world.parameters.energy_fee,
    )


def sponsor_of(world: World, address: bytes) -> Sponsor | None:
    """The deployer of a contract, who may pay a part."""
    if address not in world.contracts:
        return None
    contract = tron.SmartContract.FromString(world.contracts[address])
    percent = min(max(contract.consume_user_resource_percent, 0), _MOST_PERCENT)
    return Sponsor(contract.origin_address, percent, contract.origin_energy_limit)


def call(
    world: World, moment: Moment, contract: tron.TriggerSmartContract, transaction_id: bytes, fee_limit: int
) -> Message:
    """A call's message; raises InvalidContractError."""
    owner, to = contract.owner_address, contract.contract_address
    owner_account(world, owner)
    require(to in world.contracts, "No contract or not a smart contract")
    require(contract.call_value >= 0, "callValue must be >= 0")
    require(
        world.balance(owner) >= contract.call_value,
        "Validate InternalTransfer error, balance is not sufficient.",
    )
    energy = allowance(world, moment, owner, sponsor_of(world, to), fee_limit, contract.call_value)
    return Message(transaction_id, owner[1:], owner[1:], to[1:], contract.call_value, contract.data, energy)


def deployment(
    world: World, moment: Moment, contract: tron.CreateSmartContract, transaction_id: bytes, fee_limit: int
) -> Message:
    """A deployment's message; raises InvalidContractError."""
    owner, new = contract.owner_address, contract.new_contract
    owner_account(world, owner)
    require(new.origin_address == owner, "OwnerAddress is not equal OriginAddress")
    require(len(new.name.encode()) <= _LONGEST_NAME, "contractName's length cannot be greater than 32")
    require(0 <= new.consume_user_resource_percent <= _MOST_PERCENT, "percent must be >= 0 and <= 100")
    require(new.origin_energy_limit > 0, "The originEnergyLimit must be > 0")
    require(new.call_value >= 0, "callValue must be >= 0")
    require(
        world.balance(owner) >= new.call_value,
        "Validate InternalTransfer error, balance is not sufficient.",
    )
    address = of_contract(transaction_id, owner)
    require(
        address not in world.contracts,
        f"Trying to create a contract with existing contract address: {address.hex()}",
    )
    energy = allowance(world, moment, owner, None, fee_limit, new.call_value)
    return Message(
        transaction_id, owner[1:], owner[1:], None, new.call_value, new.bytecode, energy, address[1:]
    )


def write(outcome: Outcome, info: tron.TransactionInfo) -> None:
    """An outcome as a receipt."""
    info.contractResult.append(outcome.output)
    info.receipt.result = tron.Transaction.Result.contractResult.Value(outcome.result.name)
    info.receipt.energy_penalty_total = outcome.energy_penalty
    if outcome.result is not Result.SUCCESS:
        info.result = tron.TransactionInfo.FAILED
        info.resMessage = outcome.error.encode()
    for log in outcome.logs:
        info.log.add(address=log.address, topics=log.topics, data=log.data)
    for each in outcome.internal:
        written = info.internal_transactions.add(
            hash=each.hash,
            caller_address=PREFIX + each.caller,
            transferTo_address=PREFIX + each.to,
            note=each.note.encode(),
            rejected=each.rejected,
        )
        written.callValueInfo.add(callValue=each.value)


def _remember(
    world: World,
    moment: Moment,
    contract: tron.CreateSmartContract | tron.TriggerSmartContract,
    message: Message,
    outcome: Outcome,
) -> None:
    """Write down the accounts and contracts that a successful execution made."""
    if isinstance(contract, tron.CreateSmartContract) and message.contract_address is not None:
        new = tron.SmartContract()
        new.CopyFrom(contract.new_contract)
        new.contract_address = PREFIX + message.contract_address
        new.code_hash = hash_of(world.state.code(message.contract_address))
        new.trx_hash = message.transaction_id
        new.version = _VERSION
        world.contracts[new.contract_address] = new.SerializeToString()
        world.activate(new.contract_address, moment.head_timestamp, is_contract=True)
    for each in outcome.internal:
        if not world.state.exists(each.caller):  # it destroyed itself
            world.accounts.pop(PREFIX + each.caller, None)
            world.contracts.pop(PREFIX + each.caller, None)
        address = PREFIX + each.to
        if each.rejected or not world.state.exists(each.to) or not is_address(address):
            continue
        created = world.state.is_contract(each.to)
        world.activate(address, moment.head_timestamp, is_contract=created)
        if created and address not in world.contracts:
            inner = tron.SmartContract(
                origin_address=PREFIX + each.caller,
                contract_address=address,
                consume_user_resource_percent=_MOST_PERCENT,
                trx_hash=message.transaction_id,
                version=_VERSION,
            )
            world.contracts[address] = inner.SerializeToString()

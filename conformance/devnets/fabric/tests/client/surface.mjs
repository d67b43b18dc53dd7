// Fabric's official client, @hyperledger/fabric-gateway, against a network.
//
//   node surface.mjs MATERIAL.json SCENARIO       with BERTH_NODE_TOOLS, the folder that npm installed into
//
// The material is what fabric-like prints. A scenario that goes wrong ends with its error and exit code 1.

import assert from 'node:assert/strict';
import { createPrivateKey } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const require = createRequire(join(process.env.BERTH_NODE_TOOLS, 'package.json'));
const grpc = require('@grpc/grpc-js');
const fabric = require('@hyperledger/fabric-gateway');
const { common, ledger, peer } = require('@hyperledger/fabric-protos');

const [materialFile, scenario] = process.argv.slice(2);
const material = JSON.parse(await readFile(materialFile, 'utf8'));
const channelName = material.channels[0].name;
const utf8 = (bytes) => Buffer.from(bytes).toString();

function user(number, name) {
    const { mspId, users } = material.organisations[number];
    const { certificate, key, account } = users.find((one) => one.name.startsWith(`${name}@`));
    return { identity: { mspId, credentials: Buffer.from(certificate) }, key: createPrivateKey(key), account };
}

function connection(number) {
    const { peer: endpoint, tlsCa } = material.organisations[number];
    return new grpc.Client(endpoint.address, grpc.credentials.createSsl(Buffer.from(tlsCa)), {
        'grpc.ssl_target_name_override': endpoint.serverName,
    });
}

const open = [];

function connect(number = 0, name = 'User1', options = {}) {
    const { identity, key } = user(number, name);
    const client = connection(number);
    const signer = fabric.signers.newPrivateKeySigner(key);
    const gateway = fabric.connect({ client, identity, signer, hash: fabric.hash.sha256, ...options });
    open.push(gateway, client);
    return gateway;
}

const contract = (gateway, name) => gateway.getNetwork(channelName).getContract(name);

/** The first `count` items of an iterable, which is closed then. */
async function take(iterable, count) {
    const taken = [];
    try {
        for await (const item of iterable) {
            taken.push(item);
            if (taken.length === count) break;
        }
    } finally {
        iterable.close();
    }
    return taken;
}

async function failure(promise, kind) {
    const error = await promise.then(
        () => assert.fail('it should fail'),
        (error) => error,
    );
    assert.ok(error instanceof kind, `${error.name}: ${error.message}`);
    return error;
}

async function calls() {
    const gateway = connect();
    const preset = contract(gateway, 'preset');
    await preset.submitTransaction('insert', 'key', 'one');
    assert.equal(utf8(await preset.evaluateTransaction('get', 'key')), 'one');
    await preset.submitTransaction('update', 'key', new Uint8Array([0, 255]));
    assert.deepEqual([...(await preset.evaluateTransaction('get', 'key'))], [0, 255]);
    await preset.submitTransaction('delete', 'key');
    await preset.submitTransaction('insert', 'key', '');
    assert.equal(utf8(await preset.evaluateTransaction('get', 'key')), '');
    const history = JSON.parse(utf8(await preset.evaluateTransaction('history', 'key')));
    assert.deepEqual(
        history.map(({ value, isDelete }) => (isDelete ? null : Buffer.from(value, 'base64').toString('latin1'))),
        ['one', '\u0000\u00ff', null, ''],
    );

    // The steps one by one, with organisations named, and a peer of the other organisation.
    const other = contract(connect(1, 'User2'), 'probe');
    const proposal = other.newProposal('add', { arguments: ['7'], endorsingOrganizations: ['Org2MSP', 'Org1MSP'] });
    assert.equal(utf8(await proposal.evaluate()), '');
    const transaction = await proposal.endorse();
    assert.equal(transaction.getTransactionId(), proposal.getTransactionId());
    const submitted = await transaction.submit();
    const status = await submitted.getStatus();
    assert.ok(status.successful);
    assert.equal(status.code, fabric.StatusCode.VALID);
    assert.equal(status.transactionId, proposal.getTransactionId());
    assert.equal(typeof status.blockNumber, 'bigint');
    const { account } = user(1, 'User2');
    assert.equal(utf8(await other.evaluateTransaction('count', account)), '7');

    // The same envelope again is a duplicate in its block, and keeps its first status.
    const height = await chainHeight(gateway);
    const again = await transaction.submit();
    assert.equal((await again.getStatus()).code, fabric.StatusCode.VALID);
    const codes = await take(await gateway.getNetwork(channelName).getFilteredBlockEvents({ startBlock: height }), 1);
    assert.equal(codes[0].getFilteredTransactionsList()[0].getTxValidationCode(), peer.TxValidationCode.DUPLICATE_TXID);
}

async function chainHeight(gateway) {
    const answer = await contract(gateway, 'qscc').evaluateTransaction('GetChainInfo', channelName);
    return BigInt(common.BlockchainInfo.deserializeBinary(answer).getHeight());
}

async function offline() {
    const { identity, key } = user(0, 'User1');
    const client = connection(0);
    const gateway = fabric.connect({ client, identity, hash: fabric.hash.sha256 });
    open.push(gateway, client);
    const signer = fabric.signers.newPrivateKeySigner(key);
    const sign = async (item) => signer(item.getDigest());

    const unsigned = contract(gateway, 'probe').newProposal('add', { arguments: ['5'] });
    const proposal = gateway.newSignedProposal(unsigned.getBytes(), await sign(unsigned));
    const endorsed = await proposal.endorse();
    const transaction = gateway.newSignedTransaction(endorsed.getBytes(), await sign(endorsed));
    const waiting = await transaction.submit();
    const commit = gateway.newSignedCommit(waiting.getBytes(), await sign(waiting));
    assert.ok((await commit.getStatus()).successful);

    const network = gateway.getNetwork(channelName);
    const asked = network.newChaincodeEventsRequest('probe', { startBlock: 0n });
    const [event] = await take(await gateway.newSignedChaincodeEventsRequest(asked.getBytes(), await sign(asked)).getEvents(), 1);
    assert.equal(utf8(event.payload), '5');
    const blocks = network.newBlockEventsRequest({ startBlock: 0n });
    const [first] = await take(await gateway.newSignedBlockEventsRequest(blocks.getBytes(), await sign(blocks)).getEvents(), 1);
    assert.equal(first.getHeader().getNumber(), 0);
    const filtered = network.newFilteredBlockEventsRequest({ startBlock: 1n });
    const signedFiltered = gateway.newSignedFilteredBlockEventsRequest(filtered.getBytes(), await sign(filtered));
    assert.equal((await take(await signedFiltered.getEvents(), 1))[0].getNumber(), 1);
    const whole = network.newBlockAndPrivateDataEventsRequest({ startBlock: 1n });
    const signedWhole = gateway.newSignedBlockAndPrivateDataEventsRequest(whole.getBytes(), await sign(whole));
    assert.equal((await take(await signedWhole.getEvents(), 1))[0].getBlock().getHeader().getNumber(), 1);
}

async function errors() {
    const gateway = connect();
    const preset = contract(gateway, 'preset');
    const probe = contract(gateway, 'probe');
    const peerAddress = material.organisations[0].peer.address;

    const endorse = await failure(preset.submitTransaction('get', 'nothing'), fabric.EndorseError);
    assert.equal(endorse.code, grpc.status.ABORTED);
    assert.deepEqual(endorse.details, [
        { address: peerAddress, mspId: 'Org1MSP', message: 'chaincode response 500, not-found: the key has no value' },
    ]);
    assert.match(endorse.transactionId, /^[0-9a-f]{64}$/);

    const evaluate = await failure(probe.evaluateTransaction('fail', 'because'), fabric.GatewayError);
    assert.equal(evaluate.code, grpc.status.UNKNOWN);
    assert.equal(evaluate.details[0].message, 'chaincode response 500, because');

    const missing = await failure(contract(gateway, 'nothing').evaluateTransaction('get'), fabric.GatewayError);
    assert.equal(missing.code, grpc.status.FAILED_PRECONDITION);
    const organisation = probe.newProposal('add', { arguments: ['1'], endorsingOrganizations: ['Org9MSP'] });
    assert.equal((await failure(organisation.endorse(), fabric.EndorseError)).code, grpc.status.UNAVAILABLE);
    const elsewhere = gateway.getNetwork('elsewhere').getContract('probe');
    await failure(elsewhere.submitTransaction('add', '1'), fabric.EndorseError);

    // Two transactions that read the same version: the second is in its block, and without effect.
    const first = await preset.newProposal('insert', { arguments: ['both', 'a'] }).endorse();
    const second = await preset.newProposal('insert', { arguments: ['both', 'b'] }).endorse();
    assert.ok((await (await first.submit()).getStatus()).successful);
    const conflict = await (await second.submit()).getStatus();
    assert.ok(!conflict.successful);
    assert.equal(conflict.code, fabric.StatusCode.MVCC_READ_CONFLICT);

    // A transaction that is in a block already is refused at once.
    const duplicate = preset.newProposal('update', { arguments: ['both', 'c'] });
    await (await (await duplicate.endorse()).submit()).getStatus();
    const repeated = await failure(duplicate.endorse(), fabric.EndorseError);
    assert.match(repeated.details[0].message, /^duplicate transaction found/);

    // Another's signature, at each step.
    const { key } = user(1, 'User1');
    const wrong = connect(0, 'User1', { signer: fabric.signers.newPrivateKeySigner(key) });
    const refused = await failure(contract(wrong, 'probe').submitTransaction('add', '1'), fabric.EndorseError);
    assert.match(refused.details[0].message, /access denied: channel \[.*\] creator org \[Org1MSP\]/);
    const good = await probe.newProposal('add', { arguments: ['1'] }).endorse();
    const forged = wrong.newTransaction(good.getBytes());
    const submit = await failure(forged.submit(), fabric.GatewayError);
    assert.equal(submit.name, 'SubmitError');
    assert.equal(submit.code, grpc.status.ABORTED);
    assert.match(submit.message, /status=FORBIDDEN/);
    const status = await failure(wrong.newCommit((await good.submit()).getBytes()).getStatus(), fabric.CommitStatusError);
    assert.equal(status.code, grpc.status.PERMISSION_DENIED);

    // What is not in a block yet has no status, and the client's deadline ends the wait.
    await control('hold');
    const hasty = connect(0, 'User1', { commitStatusOptions: () => ({ deadline: Date.now() + 300 }) });
    const held = await contract(hasty, 'probe').submitAsync('put', { arguments: ['held'] });
    const late = await failure(held.getStatus(), fabric.CommitStatusError);
    assert.equal(late.code, grpc.status.DEADLINE_EXCEEDED);
    await control('release');
    assert.ok((await held.getStatus()).successful);
}

async function control(method, params = {}) {
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params });
    const { result, error } = await (await fetch(material.control, { method: 'POST', body })).json();
    assert.equal(error, undefined);
    return result;
}

async function events() {
    const gateway = connect();
    const network = gateway.getNetwork(channelName);
    const probe = contract(gateway, 'probe');
    const numbers = ['1', '2', '3', '4'];
    const ids = [];
    for (const number of numbers) {
        const sent = await probe.submitAsync('add', { arguments: [number] });
        assert.ok((await sent.getStatus()).successful);
        ids.push(sent.getTransactionId());
    }
    const payloads = (events) => events.map(({ payload }) => utf8(payload));

    // All of them again, from the first block on.
    const all = await take(await network.getChaincodeEvents('probe', { startBlock: 0n }), 4);
    assert.deepEqual(payloads(all), numbers);
    assert.deepEqual(all.map(({ transactionId }) => transactionId), ids);
    assert.ok(all.every(({ chaincodeName, eventName }) => chaincodeName === 'probe' && eventName === 'Added'));

    // After a transaction, by a checkpoint in memory.
    const memory = fabric.checkpointers.inMemory();
    await memory.checkpointChaincodeEvent(all[1]);
    assert.deepEqual(payloads(await take(await network.getChaincodeEvents('probe', { checkpoint: memory }), 2)), ['3', '4']);

    // After a block and after a transaction, by a checkpoint in a file that is opened again.
    const folder = await mkdtemp(join(tmpdir(), 'fabric-like-'));
    try {
        const file = join(folder, 'checkpoint.json');
        let checkpoint = await fabric.checkpointers.file(file);
        await checkpoint.checkpointChaincodeEvent(all[0]);
        checkpoint = await fabric.checkpointers.file(file);
        assert.deepEqual(payloads(await take(await network.getChaincodeEvents('probe', { checkpoint }), 3)), ['2', '3', '4']);
        await checkpoint.checkpointBlock(all[2].blockNumber);
        checkpoint = await fabric.checkpointers.file(file);
        assert.equal(checkpoint.getBlockNumber(), all[2].blockNumber + 1n);
        const [block] = await take(await network.getBlockEvents({ checkpoint }), 1);
        assert.equal(BigInt(block.getHeader().getNumber()), all[2].blockNumber + 1n);
    } finally {
        await rm(folder, { recursive: true });
    }

    // What comes from now on; nobody tells when the peer has begun to listen, so that there is more than one.
    const live = take(await network.getChaincodeEvents('probe'), 1);
    let seen = false;
    live.finally(() => (seen = true)).catch(() => undefined);
    while (!seen) await probe.submitTransaction('add', '9');
    assert.deepEqual(payloads(await live), ['9']);
}

async function blocks() {
    const gateway = connect();
    const network = gateway.getNetwork(channelName);
    const probe = contract(gateway, 'probe');
    const secret = Buffer.from('not for the ledger');
    const sent = await probe.submitAsync('private', { arguments: ['name'], transientData: { secret } });
    const { blockNumber } = await sent.getStatus();
    assert.equal(utf8(await probe.evaluateTransaction('reveal', 'name')), secret.toString());
    await probe.submitTransaction('add', '3');
    const startBlock = blockNumber;

    const [kept, added] = await take(await network.getBlockEvents({ startBlock }), 2);
    assert.equal(BigInt(kept.getHeader().getNumber()), blockNumber);
    assert.ok(!Buffer.from(kept.serializeBinary()).includes(secret));
    assert.deepEqual(Buffer.from(added.getHeader().getPreviousHash_asU8()).length, 32);

    const [, filtered] = await take(await network.getFilteredBlockEvents({ startBlock }), 2);
    assert.equal(filtered.getChannelId(), channelName);
    const [transaction] = filtered.getFilteredTransactionsList();
    assert.equal(transaction.getTxValidationCode(), peer.TxValidationCode.VALID);
    const [action] = transaction.getTransactionActions().getChaincodeActionsList();
    assert.equal(action.getChaincodeEvent().getEventName(), 'Added');
    assert.equal(action.getChaincodeEvent().getPayload().length, 0);

    const [whole] = await take(await network.getBlockAndPrivateDataEvents({ startBlock }), 1);
    assert.equal(BigInt(whole.getBlock().getHeader().getNumber()), blockNumber);
    const data = whole.getPrivateDataMapMap().get(0);
    assert.equal(data.getNsPvtRwsetList()[0].getNamespace(), 'probe');
    const [collection] = data.getNsPvtRwsetList()[0].getCollectionPvtRwsetList();
    const writes = ledger.rwset.kvrwset.KVRWSet.deserializeBinary(collection.getRwset_asU8()).getWritesList();
    assert.equal(utf8(writes[0].getValue_asU8().subarray(1)), secret.toString());
}

async function queries() {
    const gateway = connect();
    const qscc = contract(gateway, 'qscc');
    const sent = await contract(gateway, 'probe').submitAsync('add', { arguments: ['1'] });
    const { blockNumber } = await sent.getStatus();
    const id = sent.getTransactionId();
    const info = common.BlockchainInfo.deserializeBinary(await qscc.evaluateTransaction('GetChainInfo', channelName));
    assert.equal(BigInt(info.getHeight()), blockNumber + 1n);
    const ask = async (name, argument) =>
        common.Block.deserializeBinary(await qscc.evaluateTransaction(name, channelName, argument));
    const block = await ask('GetBlockByNumber', blockNumber.toString());
    assert.equal(BigInt(block.getHeader().getNumber()), blockNumber);
    const byHash = await ask('GetBlockByHash', info.getCurrentblockhash_asU8());
    const byId = await ask('GetBlockByTxID', id);
    assert.deepEqual(byHash.serializeBinary(), block.serializeBinary());
    assert.deepEqual(byId.serializeBinary(), block.serializeBinary());
    const found = await qscc.evaluateTransaction('GetTransactionByID', channelName, id);
    assert.equal(peer.ProcessedTransaction.deserializeBinary(found).getValidationcode(), peer.TxValidationCode.VALID);
    const none = await failure(qscc.evaluateTransaction('GetBlockByNumber', channelName, '1000000'), fabric.GatewayError);
    assert.match(none.details[0].message, /Failed to get block number 1000000/);

    const cscc = contract(gateway, 'cscc');
    const channels = peer.ChannelQueryResponse.deserializeBinary(await cscc.evaluateTransaction('GetChannels'));
    assert.deepEqual(channels.getChannelsList().map((one) => one.getChannelId()), [channelName]);
    const config = common.Config.deserializeBinary(await cscc.evaluateTransaction('GetChannelConfig', channelName));
    const groups = config.getChannelGroup().getGroupsMap();
    assert.deepEqual([...groups.keys()].sort(), ['Application', 'Orderer']);
    assert.deepEqual([...groups.get('Application').getGroupsMap().keys()].sort(), ['Org1MSP', 'Org2MSP']);
    const first = common.Block.deserializeBinary(await cscc.evaluateTransaction('GetConfigBlock', channelName));
    assert.equal(first.getHeader().getNumber(), 0);

    // What a system chaincode answers is signed by the peers that are asked.
    const proposal = qscc.newProposal('GetTransactionByID', {
        arguments: [channelName, id],
        endorsingOrganizations: ['Org1MSP', 'Org2MSP'],
    });
    const endorsed = await proposal.endorse();
    assert.deepEqual(endorsed.getResult(), found);

    const { lifecycle } = peer;
    const asked = new lifecycle.QueryChaincodeDefinitionArgs();
    asked.setName('probe');
    const answer = await contract(gateway, '_lifecycle').evaluateTransaction('QueryChaincodeDefinition', asked.serializeBinary());
    const definition = lifecycle.QueryChaincodeDefinitionResult.deserializeBinary(answer);
    assert.equal(definition.getVersion(), '1');
    assert.equal(definition.getCollections().getConfigList()[0].getStaticCollectionConfig().getName(), 'secrets');
    const all = new lifecycle.QueryChaincodeDefinitionsArgs();
    const listed = await contract(gateway, '_lifecycle').evaluateTransaction('QueryChaincodeDefinitions', all.serializeBinary());
    const names = lifecycle.QueryChaincodeDefinitionsResult.deserializeBinary(listed).getChaincodeDefinitionsList();
    assert.deepEqual(names.map((one) => one.getName()), ['preset', 'probe']);
}

/** Submits to commit for a while, with so many at once; prints how many a second. */
async function throughput() {
    const [seconds, together] = process.argv.slice(4).map(Number);
    const preset = contract(connect(), 'preset');
    const end = performance.now() + seconds * 1000;
    let done = 0;
    const begun = performance.now();
    await Promise.all(
        Array.from({ length: together }, async (_, worker) => {
            for (let number = 0; performance.now() < end; number++) {
                await preset.submitTransaction('insert', `${process.pid}-${worker}-${number}`, 'value');
                done++;
            }
        }),
    );
    console.log(JSON.stringify({ perSecond: (done * 1000) / (performance.now() - begun) }));
}

const scenarios = { calls, offline, errors, events, blocks, queries, throughput };
try {
    await scenarios[scenario]();
} finally {
    for (const one of open) one.close();
}

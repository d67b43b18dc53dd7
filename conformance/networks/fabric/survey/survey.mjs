// Asks a Fabric node, or one that means to be like it, the same questions, and prints the answers as JSON without what differs
// between runs: node survey.mjs CHANNEL
//
// Environment as of client.mjs. The channel must have the chaincodes preset and probe with a policy of both organisations.

import crypto from 'node:crypto';

import protos from '@hyperledger/fabric-protos';

import * as shape from './shapes.mjs';
import * as wire from './wire.mjs';

const { common, orderer, peer } = protos;
const [channel] = process.argv.slice(2);
const other = wire.mspId === 'Org1MSP' ? 'Org2MSP' : 'Org1MSP';
const fresh = () => crypto.randomBytes(6).toString('hex');
const answers = {};

/** Asks one question; what it gives, or how it fails, is an answer. */
async function ask(name, question) {
    try {
        answers[name] = (await question()) ?? 'nothing';
    } catch (failure) {
        answers[name] = { failed: shape.error(failure) };
    }
}

const text = (bytes) => Buffer.from(bytes).toString();
const read = async (chaincode, ...args) => {
    const { result } = (await wire.evaluate(await wire.proposal(channel, chaincode, args))).toObject();
    return { status: result.status, message: result.message, payload: shape.plain(text(Buffer.from(result.payload, 'base64'))) };
};
const endorseOnly = async (chaincode, args, options, organisations) =>
    wire.endorse(await wire.proposal(options?.channel ?? channel, chaincode, args, options), organisations);
const endorsedShape = async (chaincode, args, options, organisations) => {
    const { envelope } = await endorseOnly(chaincode, args, options, organisations);
    return shape.envelope(envelope.serializeBinary());
};
const status = async (transaction) => shape.code((await wire.commitStatus(channel, transaction)).getResult());
const badSignature = Buffer.from(await wire.sign(Buffer.from('something else')));
const stranger = wire.creator(other);

// Reads.
await ask('evaluate', () => read('probe', 'echoText', 'hello'));
await ask('evaluate: bytes', () => read('probe', 'echoBytes', Buffer.from([0xff, 0, 1])));
await ask('evaluate: the chaincode fails', () => read('probe', 'fail', 'a reason'));
await ask('evaluate: no such chaincode', () => read('nothing', 'f'));
await ask('evaluate: no such function', () => read('probe', 'nothing'));
await ask('evaluate: no arguments at all', () => read('probe'));
await ask('evaluate: no such channel', async () =>
    wire.evaluate(await wire.proposal('nothing', 'probe', ['text'])));
await ask('evaluate: an organisation that is not there', async () =>
    wire.evaluate(await wire.proposal(channel, 'probe', ['text']), ['NoMSP']));
await ask('evaluate: a wrong signature', async () =>
    wire.evaluate(await wire.proposal(channel, 'probe', ['text'], { signature: badSignature })));

// Endorsements.
await ask('endorse', () => endorsedShape('probe', ['put', 'a text']));
await ask('endorse: by both organisations', () => endorsedShape('probe', ['put', 'a text'], {}, ['Org1MSP', 'Org2MSP']));
await ask('endorse: by one organisation', () => endorsedShape('probe', ['put', 'a text'], {}, ['Org1MSP']));
await ask('endorse: by one that is not there', () => endorsedShape('probe', ['put', 'a text'], {}, ['NoMSP']));
await ask('endorse: private data', () => endorsedShape('probe', ['private', 'name'], { transient: { secret: 'x' } }));
await ask('endorse: the chaincode fails', () => endorseOnly('probe', ['fail', 'a reason']));
await ask('endorse: no such chaincode', () => endorseOnly('nothing', ['f']));
await ask('endorse: no such channel', () => endorseOnly('probe', ['text'], { channel: 'nothing' }));
await ask('endorse: a wrong signature', () => endorseOnly('probe', ['text'], { signature: badSignature }));
await ask('endorse: a signature with high s', async () => endorseOnly('probe', ['text'], { signature: highS() }));
await ask('endorse: the certificate of another organisation', () => endorseOnly('probe', ['text'], { creator: stranger }));
await ask('endorse: an organisation that is not there', () =>
    endorseOnly('probe', ['text'], { creator: wire.creator('NoMSP') }));
await ask('endorse: no certificate', () =>
    endorseOnly('probe', ['text'], { creator: wire.creator(wire.mspId, Buffer.from('nothing')) }));
await ask('endorse: another id than nonce and creator give', () =>
    endorseOnly('probe', ['text'], { transaction: '00'.repeat(32) }));
await ask('endorse: no nonce', () => endorseOnly('probe', ['text'], { nonce: Buffer.alloc(0) }));
await ask('endorse: of an hour ago', async () => (await endorseOnly('probe', ['text'], { late: -3_600_000 })) && 'endorsed');
await ask('endorse: of in an hour', async () => (await endorseOnly('probe', ['text'], { late: 3_600_000 })) && 'endorsed');

function highS() {
    // A DER signature whose second integer is the largest below the order of P-256: high in any case.
    const order = Buffer.from('ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632550', 'hex');
    return Buffer.concat([Buffer.from([0x30, 0x26, 2, 1, 1, 2, 0x21, 0]), order]);
}

// Writes.
const counted = await wire.write(channel, 'probe', ['add', '1']);
await ask('commit status', () => ({ code: shape.code(counted.code), block: counted.block > 0 }));
await ask('commit status: later', () => status(counted.transaction));
await ask('endorse: an id that is in a block', async () => {
    const nonce = crypto.randomBytes(24);
    const first = await wire.write(channel, 'probe', ['put', 'x'], { nonce });
    const again = await wire.proposal(channel, 'probe', ['put', 'x'], { nonce });
    return first.transaction === again.transaction && wire.endorse(again);
});
await ask('submit: an envelope twice', async () => {
    await wire.submit(counted);
    // The second copy ends up in a block of its own, which is not the one that the status is of.
    await wire.write(channel, 'probe', ['put', 'after']);
    return status(counted.transaction);
});
await ask('submit: two that read the same', async () => {
    const name = `key-${fresh()}`;
    await wire.write(channel, 'preset', ['insert', name, 'x']);
    const both = [];
    for (const value of ['y', 'z']) {
        both.push(await wire.signed(await endorseOnly('preset', ['update', name, value])));
    }
    for (const one of both) await wire.submit(one);
    return [await status(both[0].transaction), await status(both[1].transaction)];
});
await ask('submit: two that insert the same', async () => {
    const name = `key-${fresh()}`;
    const both = [];
    for (const value of ['y', 'z']) both.push(await wire.signed(await endorseOnly('preset', ['insert', name, value])));
    for (const one of both) await wire.submit(one);
    return [await status(both[0].transaction), await status(both[1].transaction)];
});
await ask('submit: endorsed by one organisation of two', async () => {
    const one = await wire.signed(await endorseOnly('probe', ['put', 'x'], {}, ['Org1MSP']));
    await wire.submit(one);
    return status(one.transaction);
});
await ask('submit: without a signature', async () => wire.submit(await endorseOnly('probe', ['put', 'x'])));
await ask('submit: a wrong signature', async () => {
    const endorsed = await endorseOnly('probe', ['put', 'x']);
    endorsed.envelope.setSignature(badSignature);
    return wire.submit(endorsed);
});
await ask('submit: no envelope', () => wire.submit({ channel, transaction: '' }));
await ask('submit: to another channel', async () => {
    const endorsed = await wire.signed(await endorseOnly('probe', ['put', 'x']));
    return wire.submit({ ...endorsed, channel: 'nothing' });
});
await ask('submit: what was changed after it was endorsed', async () => {
    const endorsed = await endorseOnly('probe', ['put', 'before']);
    const payload = Buffer.from(endorsed.envelope.getPayload_asU8());
    const at = payload.indexOf('before');
    if (at < 0) return 'the argument is not in the envelope';
    payload.write('behind', at);
    endorsed.envelope.setPayload(payload);
    await wire.submit(await wire.signed(endorsed));
    return status(endorsed.transaction);
});
await ask('commit status: unknown', () => wire.commitStatus(channel, 'ab'.repeat(32), { patience: 700 }));
await ask('commit status: no such channel', () => wire.commitStatus('nothing', 'ab'.repeat(32)));
await ask('commit status: a wrong signature', () =>
    wire.commitStatus(channel, counted.transaction, { signature: badSignature }));
await ask('commit status: the certificate of another organisation', () =>
    wire.commitStatus(channel, counted.transaction, { creator: stranger }));

// Blocks.
const blocks = async (method, ...rest) =>
    (await wire.deliver(method, ...rest)).map((answer) => {
        if (answer.hasFilteredBlock()) return shape.filtered(answer.getFilteredBlock());
        if (answer.hasBlock()) return shape.block(answer.getBlock());
        if (answer.hasBlockAndPrivateData()) {
            const both = answer.getBlockAndPrivateData();
            const sets = [];
            both.getPrivateDataMapMap().forEach((set, place) => {
                const namespaces = set.getNsPvtRwsetList().map((entry) => ({
                    name: entry.getNamespace(),
                    collections: entry.getCollectionPvtRwsetList().map((one) => one.getCollectionName()),
                }));
                sets.push({ place: Number(place), namespaces });
            });
            return { ...shape.block(both.getBlock()), private: sets };
        }
        return { status: answer.getStatus() };
    });
const alone = await wire.write(channel, 'probe', ['addTwice', '7']);
const deleted = await (async () => {
    const name = `key-${fresh()}`;
    await wire.write(channel, 'preset', ['insert', name, 'x']);
    return wire.write(channel, 'preset', ['delete', name]);
})();
const kept = await wire.write(channel, 'probe', ['private', fresh()], { transient: { secret: 'x' } });
const withoutNames = (found) => JSON.parse(JSON.stringify(found).replace(/key-[0-9a-f]{12}/g, 'KEY').replace(/"[0-9a-f]{12}"/g, '"NAME"'));
await ask('deliver: a block', async () => withoutNames(await blocks('Deliver', channel, alone.block, alone.block)));
await ask('deliver: a deletion', async () => withoutNames(await blocks('Deliver', channel, deleted.block, deleted.block)));
await ask('deliver: private data', async () =>
    withoutNames(await blocks('DeliverWithPrivateData', channel, kept.block, kept.block)));
await ask('deliver: filtered', () => blocks('DeliverFiltered', channel, alone.block, alone.block));
await ask('deliver: the first block', () => blocks('Deliver', channel, 0, 0));
await ask('deliver: the first block, filtered', () => blocks('DeliverFiltered', channel, 'oldest', 0));
await ask('deliver: the newest', () => blocks('DeliverFiltered', channel, 'newest', 'newest'));
await ask('deliver: a block that is not there yet', () =>
    blocks('Deliver', channel, 1_000_000, 1_000_000, {
        behaviour: orderer.SeekInfo.SeekBehavior.FAIL_IF_NOT_READY,
    }));
await ask('deliver: waiting for a block', () =>
    blocks('DeliverFiltered', channel, 1_000_000, 1_000_000, { silence: 500 }));
await ask('deliver: a range the wrong way round', () => blocks('Deliver', channel, 5, 3));
await ask('deliver: no such channel', () => blocks('Deliver', 'nothing', 0, 0));
await ask('deliver: a wrong signature', () => blocks('Deliver', channel, 0, 0, { signature: badSignature }));
await ask('deliver: of an hour ago', () => blocks('Deliver', channel, 0, 0, { late: -3_600_000 }));
await ask('deliver: hashes follow each other', async () => {
    const range = await wire.deliver('Deliver', channel, alone.block, kept.block);
    const found = range.filter((answer) => answer.hasBlock()).map((answer) => answer.getBlock());
    const number = (value) => (value < 128 ? Buffer.from([2, 1, value]) : value < 256 ? Buffer.from([2, 2, 0, value]) : Buffer.from([2, 2, value >> 8, value & 255]));
    const hash = (header) => {
        const octets = (content) => Buffer.concat([Buffer.from([4, content.length]), content]);
        const inner = Buffer.concat([
            number(Number(header.getNumber())),
            octets(header.getPreviousHash_asU8()),
            octets(header.getDataHash_asU8()),
        ]);
        return wire.sha256(Buffer.concat([Buffer.from([0x30, inner.length]), inner])).toString('hex');
    };
    const hex = (value) => Buffer.from(value).toString('hex');
    return found.every(
        (block, place) =>
            hex(block.getHeader().getDataHash_asU8()) === wire.sha256(...block.getData().getDataList_asU8()).toString('hex') &&
            (place === 0 || hex(block.getHeader().getPreviousHash_asU8()) === hash(found[place - 1].getHeader())),
    );
});

// Events.
const events = async (...rest) =>
    (await wire.chaincodeEvents(...rest)).map((answer) => ({
        events: answer.getEventsList().map((event) => ({
            chaincode: event.getChaincodeId(),
            transaction: shape.plain(event.getTxId()),
            name: event.getEventName(),
            payload: text(event.getPayload_asU8()),
        })),
    }));
const next = await wire.write(channel, 'probe', ['add', '9']);
await ask('events: from a block on', () => events(channel, 'probe', alone.block));
await ask('events: behind a transaction', () => events(channel, 'probe', alone.block, { after: alone.transaction }));
await ask('events: behind a transaction of another block', () =>
    events(channel, 'probe', alone.block, { after: next.transaction }));
await ask('events: of a chaincode that is not there', () => events(channel, 'nothing', alone.block));
await ask('events: none yet', () => events(channel, 'probe', 'next'));
await ask('events: no such channel', () => events('nothing', 'probe', 0));
await ask('events: a wrong signature', () => events(channel, 'probe', 0, { signature: badSignature }));

// System chaincodes.
const system = async (chaincode, ...args) => (await read2(chaincode, args)).payload;
const read2 = async (chaincode, args) => {
    const { result } = (await wire.evaluate(await wire.proposal(channel, chaincode, args))).toObject();
    return { ...result, payload: Buffer.from(result.payload, 'base64') };
};
await ask('qscc: GetChainInfo', async () => {
    const info = common.BlockchainInfo.deserializeBinary(await system('qscc', 'GetChainInfo', channel));
    const { currentblockhash, previousblockhash } = info.toObject();
    return { ahead: info.getHeight() > next.block, current: currentblockhash.length, previous: previousblockhash.length };
});
const decoded = async (...args) => withoutNames(shape.block(common.Block.deserializeBinary(await system('qscc', ...args))));
await ask('qscc: GetBlockByNumber', () => decoded('GetBlockByNumber', channel, String(alone.block)));
await ask('qscc: GetBlockByNumber beyond', () => decoded('GetBlockByNumber', channel, '1000000'));
await ask('qscc: GetBlockByNumber of no number', () => decoded('GetBlockByNumber', channel, 'x'));
await ask('qscc: GetBlockByHash of none', () => decoded('GetBlockByHash', channel, Buffer.alloc(32)));
await ask('qscc: GetBlockByTxID', () => decoded('GetBlockByTxID', channel, alone.transaction));
await ask('qscc: GetBlockByTxID of none', () => decoded('GetBlockByTxID', channel, 'ab'.repeat(32)));
await ask('qscc: GetTransactionByID', async () => {
    const found = peer.ProcessedTransaction.deserializeBinary(await system('qscc', 'GetTransactionByID', channel, alone.transaction));
    return {
        code: shape.code(found.getValidationcode()),
        envelope: withoutNames(shape.envelope(found.getTransactionenvelope().serializeBinary())),
    };
});
await ask('qscc: GetTransactionByID of none', () => system('qscc', 'GetTransactionByID', channel, 'ab'.repeat(32)));
await ask('qscc: another function', () => system('qscc', 'Nothing', channel));
await ask('qscc: another channel', () => system('qscc', 'GetChainInfo', 'nothing'));
await ask('cscc: GetChannels', async () => {
    const found = peer.ChannelQueryResponse.deserializeBinary(await system('cscc', 'GetChannels'));
    return found.getChannelsList().map((one) => one.getChannelId()).includes(channel);
});
await ask('cscc: GetConfigBlock', async () => {
    const found = common.Block.deserializeBinary(await system('cscc', 'GetConfigBlock', channel));
    return found.getData().getDataList_asU8().map((one) => shape.envelope(one).type);
});
await ask('cscc: GetChannelConfig', async () => {
    const found = common.Config.deserializeBinary(await system('cscc', 'GetChannelConfig', channel));
    const groups = found.getChannelGroup().getGroupsMap().toArray().map(([name]) => name);
    return { sequence: Number(found.getSequence()), groups: groups.sort() };
});
await ask('cscc: another channel', () => system('cscc', 'GetConfigBlock', 'nothing'));

// One answer a line, to be compared.
const lines = Object.entries(answers).map(([name, answer]) => `  ${JSON.stringify(name)}: ${JSON.stringify(answer)}`);
console.log(`{\n${lines.join(',\n')}\n}`);
wire.client.close();

// Answers of a node as plain JSON, without what differs between runs: digests, addresses, times.

import protos from '@hyperledger/fabric-protos';

const { common, gateway, ledger, peer } = protos;

const CODES = Object.fromEntries(Object.entries(peer.TxValidationCode).map(([name, code]) => [code, name]));
const TYPES = Object.fromEntries(Object.entries(common.HeaderType).map(([name, type]) => [type, name]));

export const code = (number) => CODES[number] ?? number;

/** A text without what differs between runs. */
export const plain = (text) =>
    text
        .replace(/127\.0\.0\.1:\d+/g, 'ADDRESS')
        .replace(/localhost:\d+/g, 'ADDRESS')
        .replace(/[0-9a-f]{64,}/g, 'DIGEST')
        .replace(/\d{4}-\d\d-\d\d[T ][0-9:.]+( ?\+0000)?( ?UTC|Z)?/g, 'TIME')
        .replace(/-----BEGIN[\s\S]*?-----END [A-Z ]+-----\n?/g, 'PEM')
        .replace(/serial number \d+/g, 'serial number N');

const only = (fields) => Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));

/** An error of gRPC with the details that Fabric puts beside it. */
export function error(failure) {
    if (typeof failure.code !== 'number') return { thrown: String(failure) };
    const [status] = failure.metadata?.get('grpc-status-details-bin') ?? [];
    // Client or server may be the first to see that time is up.
    if (failure.code === 4 || failure.code === 1) return { grpc: 'no answer in time' };
    return only({ grpc: failure.code, message: plain(failure.details), details: status && details(status) });
}

/** google.rpc.Status: field 3 has google.protobuf.Any, whose field 2 has the detail. */
function details(bytes) {
    const any = fields(bytes).filter(([number]) => number === 3);
    const decoded = any.map(([, content]) => {
        const parts = Object.fromEntries(fields(content));
        const type = Buffer.from(parts[1]).toString();
        const { address, mspId, message } = gateway.ErrorDetail.deserializeBinary(parts[2] ?? new Uint8Array()).toObject();
        return { type, address: plain(address), mspId, message: plain(message) };
    });
    return decoded.sort((one, other) => one.mspId.localeCompare(other.mspId));
}

/** The length-delimited and varint fields of a protobuf message. */
function fields(bytes) {
    const found = [];
    let at = 0;
    const varint = () => {
        let value = 0;
        for (let shift = 0; ; shift += 7) {
            const byte = bytes[at++];
            value += (byte & 0x7f) * 2 ** shift;
            if (byte < 0x80) return value;
        }
    };
    while (at < bytes.length) {
        const tag = varint();
        if ((tag & 7) === 2) {
            const length = varint();
            found.push([tag >>> 3, new Uint8Array(bytes.slice(at, at + length))]);
            at += length;
        } else found.push([tag >>> 3, varint()]);
    }
    return found;
}

const utf8 = (bytes) => Buffer.from(bytes).toString();
const bytes = (value) => `${value.length} bytes`;

function identity(creator) {
    const decoded = protos.msp.SerializedIdentity.deserializeBinary(creator);
    return `${decoded.getMspid()} ${plain(utf8(decoded.getIdBytes_asU8()))}`;
}

function rwset(results) {
    const set = ledger.rwset.TxReadWriteSet.deserializeBinary(results);
    const model = set.getDataModel();
    const namespaces = set.getNsRwsetList().map((entry) => {
        const kv = ledger.rwset.kvrwset.KVRWSet.deserializeBinary(entry.getRwset_asU8());
        return only({
            namespace: entry.getNamespace(),
            reads: kv.getReadsList().map((read) => `${escape(read.getKey())} ${read.getVersion() ? 'of a version' : 'missing'}`),
            writes: kv.getWritesList().map((write) => `${escape(write.getKey())}${write.getIsDelete() ? ' deleted' : ''}`),
            ranges: kv.getRangeQueriesInfoList().length || undefined,
            metadata: kv.getMetadataWritesList().length || undefined,
            collections: entry.getCollectionHashedRwsetList().map((collection) => {
                const hashed = ledger.rwset.kvrwset.HashedRWSet.deserializeBinary(collection.getHashedRwset_asU8());
                return {
                    name: collection.getCollectionName(),
                    digest: bytes(collection.getPvtRwsetHash_asU8()),
                    writes: hashed.getHashedWritesList().map((write) => ({
                        key: bytes(write.getKeyHash_asU8()),
                        value: bytes(write.getValueHash_asU8()),
                    })),
                    reads: hashed.getHashedReadsList().length,
                };
            }),
        });
    });
    return { model, namespaces };
}

// U+0000 and above U+10FFFF stand in keys of Fabric's own.
const escape = (key) => plain(key).replace(/[^\x20-\x7e]/g, '.');

function action(transactionAction) {
    const payload = peer.ChaincodeActionPayload.deserializeBinary(transactionAction.getPayload_asU8());
    const proposed = peer.ChaincodeProposalPayload.deserializeBinary(payload.getChaincodeProposalPayload_asU8());
    const spec = peer.ChaincodeInvocationSpec.deserializeBinary(proposed.getInput_asU8()).getChaincodeSpec();
    const endorsed = payload.getAction();
    const response = peer.ProposalResponsePayload.deserializeBinary(endorsed.getProposalResponsePayload_asU8());
    const result = peer.ChaincodeAction.deserializeBinary(response.getExtension_asU8());
    const events = result.getEvents_asU8();
    const event = events.length ? peer.ChaincodeEvent.deserializeBinary(events) : undefined;
    return only({
        header: common.SignatureHeader.deserializeBinary(transactionAction.getHeader_asU8()).getNonce_asU8().length,
        input: {
            type: spec.getType(),
            chaincode: spec.getChaincodeId().toObject(),
            arguments: spec.getInput().getArgsList_asU8().map(utf8),
            decorations: spec.getInput().getDecorationsMap().getLength(),
            init: spec.getInput().getIsInit(),
            transient: proposed.getTransientmapMap().getLength(),
        },
        proposalHash: bytes(response.getProposalHash_asU8()),
        results: rwset(result.getResults_asU8()),
        event: event && {
            chaincode: event.getChaincodeId(),
            transaction: plain(event.getTxId()),
            name: event.getEventName(),
            payload: utf8(event.getPayload_asU8()),
        },
        response: {
            status: result.getResponse().getStatus(),
            message: result.getResponse().getMessage(),
            payload: utf8(result.getResponse().getPayload_asU8()),
        },
        chaincode: result.getChaincodeId().toObject(),
        endorsers: endorsed
            .getEndorsementsList()
            .map((endorsement) => identity(endorsement.getEndorser_asU8()))
            .sort(),
    });
}

/** An envelope of a block. */
export function envelope(raw) {
    const outer = common.Envelope.deserializeBinary(raw);
    const payload = common.Payload.deserializeBinary(outer.getPayload_asU8());
    const channel = common.ChannelHeader.deserializeBinary(payload.getHeader().getChannelHeader_asU8());
    const signature = common.SignatureHeader.deserializeBinary(payload.getHeader().getSignatureHeader_asU8());
    const isTransaction = channel.getType() === common.HeaderType.ENDORSER_TRANSACTION;
    return only({
        type: TYPES[channel.getType()] ?? channel.getType(),
        version: channel.getVersion(),
        channel: channel.getChannelId(),
        transaction: plain(channel.getTxId()),
        epoch: Number(channel.getEpoch()),
        timestamp: channel.getTimestamp() !== undefined,
        tlsHash: bytes(channel.getTlsCertHash_asU8()),
        creator: identity(signature.getCreator_asU8()),
        nonce: bytes(signature.getNonce_asU8()),
        signed: outer.getSignature_asU8().length > 0,
        actions: isTransaction
            ? peer.Transaction.deserializeBinary(payload.getData_asU8()).getActionsList().map(action)
            : undefined,
    });
}

/** A block without its number. */
export function block(whole) {
    const header = whole.getHeader();
    const slots = whole.getMetadata().getMetadataList_asU8();
    const [signatures, lastConfig, filter, , commit] = slots;
    const signed = common.Metadata.deserializeBinary(signatures);
    return {
        previous: bytes(header.getPreviousHash_asU8()),
        data: bytes(header.getDataHash_asU8()),
        transactions: whole.getData().getDataList_asU8().map(envelope),
        slots: slots.length,
        signatures: signed.getSignaturesList().map((signature) => ({
            header: identity(common.SignatureHeader.deserializeBinary(signature.getSignatureHeader_asU8()).getCreator_asU8()),
            nonce: bytes(common.SignatureHeader.deserializeBinary(signature.getSignatureHeader_asU8()).getNonce_asU8()),
            identifier: bytes(signature.getIdentifierHeader_asU8?.() ?? []),
        })),
        signedValue: Object.keys(common.OrdererBlockMetadata.deserializeBinary(signed.getValue_asU8()).toObject()).length,
        lastConfig: lastConfig.length > 0,
        filter: [...filter].map(code),
        commitHash: bytes(common.Metadata.deserializeBinary(commit ?? new Uint8Array()).getValue_asU8()),
    };
}

/** A filtered block without its number. */
export function filtered(whole) {
    return {
        channel: whole.getChannelId(),
        transactions: whole.getFilteredTransactionsList().map((transaction) => ({
            transaction: plain(transaction.getTxid()),
            type: TYPES[transaction.getType()],
            code: code(transaction.getTxValidationCode()),
            events: (transaction.getTransactionActions()?.getChaincodeActionsList() ?? []).map((one) => {
                const event = one.getChaincodeEvent();
                return event && only({
                    chaincode: event.getChaincodeId(),
                    transaction: plain(event.getTxId()),
                    name: event.getEventName(),
                    payload: utf8(event.getPayload_asU8()),
                });
            }),
        })),
    };
}

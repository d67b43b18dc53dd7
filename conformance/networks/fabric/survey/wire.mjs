// The Gateway and Deliver protocols below any client: requests as we like them, wrong ones too, and answers as they come.

import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';

import grpc from '@grpc/grpc-js';
import { signers } from '@hyperledger/fabric-gateway';
import protos from '@hyperledger/fabric-protos';
import timestamps from 'google-protobuf/google/protobuf/timestamp_pb.js';

const { common, gateway, msp, orderer, peer } = protos;

/** How long a call may take, in milliseconds. */
const PATIENCE = 20_000;

const { PEER, PEER_AUTHORITY, MSP, MSP_FOLDER } = process.env;

function onlyFile(folder) {
    const files = fs.readdirSync(path.join(MSP_FOLDER, folder));
    return fs.readFileSync(path.join(MSP_FOLDER, folder, files[0]));
}

export const client = new grpc.Client(PEER, grpc.credentials.createSsl(fs.readFileSync(PEER_AUTHORITY)));
export const certificate = onlyFile('signcerts');
const key = crypto.createPrivateKey(onlyFile('keystore'));
export const signer = signers.newPrivateKeySigner(key);
export const mspId = MSP;

export const sha256 = (...parts) => {
    const hash = crypto.createHash('sha256');
    parts.forEach((part) => hash.update(part));
    return hash.digest();
};

/** DER, low s, over SHA-256 of the bytes. */
export const sign = async (bytes) => Buffer.from(await signer(sha256(bytes)));

/** Who signs, as it stands in headers. */
export function creator(name = mspId, credentials = certificate) {
    const identity = new msp.SerializedIdentity();
    identity.setMspid(name);
    identity.setIdBytes(credentials);
    return identity.serializeBinary();
}

function headers(channel, type, options) {
    const nonce = options.nonce ?? crypto.randomBytes(24);
    const who = options.creator ?? creator();
    const transaction = options.transaction ?? sha256(nonce, who).toString('hex');
    const channelHeader = new common.ChannelHeader();
    channelHeader.setType(type);
    channelHeader.setTxId(transaction);
    channelHeader.setChannelId(channel);
    channelHeader.setTimestamp(timestamps.Timestamp.fromDate(new Date(Date.now() + (options.late ?? 0))));
    const signatureHeader = new common.SignatureHeader();
    signatureHeader.setCreator(who);
    signatureHeader.setNonce(nonce);
    return { transaction, channelHeader, signatureHeader };
}

function header({ channelHeader, signatureHeader }) {
    const both = new common.Header();
    both.setChannelHeader(channelHeader.serializeBinary());
    both.setSignatureHeader(signatureHeader.serializeBinary());
    return both;
}

/** A signed proposal. Options: nonce, creator, transaction, late (milliseconds), transient, signature. */
export async function proposal(channel, chaincode, args, options = {}) {
    const made = headers(channel, common.HeaderType.ENDORSER_TRANSACTION, options);
    const id = new peer.ChaincodeID();
    id.setName(chaincode);
    const extension = new peer.ChaincodeHeaderExtension();
    extension.setChaincodeId(id);
    made.channelHeader.setExtension$(extension.serializeBinary());
    const input = new peer.ChaincodeInput();
    input.setArgsList(args.map((argument) => Buffer.from(argument)));
    const specification = new peer.ChaincodeSpec();
    specification.setType(peer.ChaincodeSpec.Type.NODE);
    specification.setChaincodeId(id);
    specification.setInput(input);
    const invocation = new peer.ChaincodeInvocationSpec();
    invocation.setChaincodeSpec(specification);
    const payload = new peer.ChaincodeProposalPayload();
    payload.setInput(invocation.serializeBinary());
    for (const [name, value] of Object.entries(options.transient ?? {})) {
        payload.getTransientmapMap().set(name, Buffer.from(value));
    }
    const whole = new peer.Proposal();
    whole.setHeader(header(made).serializeBinary());
    whole.setPayload(payload.serializeBinary());
    const signed = new peer.SignedProposal();
    signed.setProposalBytes(whole.serializeBinary());
    signed.setSignature(options.signature ?? (await sign(signed.getProposalBytes_asU8())));
    return { channel, transaction: made.transaction, signed };
}

function call(method, request, answer, patience = PATIENCE) {
    return new Promise((resolve, reject) => {
        client.makeUnaryRequest(
            method,
            (message) => Buffer.from(message.serializeBinary()),
            (bytes) => answer.deserializeBinary(new Uint8Array(bytes)),
            request,
            { deadline: Date.now() + patience },
            (error, message) => (error ? reject(error) : resolve(message)),
        );
    });
}

export function evaluate({ channel, transaction, signed }, organisations = []) {
    const request = new gateway.EvaluateRequest();
    request.setTransactionId(transaction);
    request.setChannelId(channel);
    request.setProposedTransaction(signed);
    request.setTargetOrganizationsList(organisations);
    return call('/gateway.Gateway/Evaluate', request, gateway.EvaluateResponse);
}

export async function endorse({ channel, transaction, signed }, organisations = []) {
    const request = new gateway.EndorseRequest();
    request.setTransactionId(transaction);
    request.setChannelId(channel);
    request.setProposedTransaction(signed);
    request.setEndorsingOrganizationsList(organisations);
    const answer = await call('/gateway.Gateway/Endorse', request, gateway.EndorseResponse);
    return { channel, transaction, envelope: answer.getPreparedTransaction() };
}

/** Signs an endorsed envelope. */
export async function signed(endorsed) {
    endorsed.envelope.setSignature(await sign(endorsed.envelope.getPayload_asU8()));
    return endorsed;
}

export function submit({ channel, transaction, envelope }) {
    const request = new gateway.SubmitRequest();
    request.setTransactionId(transaction);
    request.setChannelId(channel);
    request.setPreparedTransaction(envelope);
    return call('/gateway.Gateway/Submit', request, gateway.SubmitResponse);
}

export async function commitStatus(channel, transaction, options = {}) {
    const request = new gateway.CommitStatusRequest();
    request.setChannelId(channel);
    request.setTransactionId(transaction);
    request.setIdentity(options.creator ?? creator());
    const whole = new gateway.SignedCommitStatusRequest();
    whole.setRequest(request.serializeBinary());
    whole.setSignature(options.signature ?? (await sign(whole.getRequest_asU8())));
    return call('/gateway.Gateway/CommitStatus', whole, gateway.CommitStatusResponse, options.patience);
}

/** Endorses, signs, submits, and waits for the status. */
export async function write(channel, chaincode, args, options) {
    const made = await proposal(channel, chaincode, args, options);
    const endorsed = await signed(await endorse(made));
    await submit(endorsed);
    const status = await commitStatus(channel, made.transaction);
    return { ...endorsed, code: status.getResult(), block: Number(status.getBlockNumber()) };
}

/** Up to `most` answers of a stream, fewer where it ends or falls silent. */
function collect(stream, most, silence = 1500) {
    return new Promise((resolve, reject) => {
        const answers = [];
        let timer;
        const end = (error) => {
            clearTimeout(timer);
            stream.cancel();
            if (error) reject(error);
            else resolve(answers);
        };
        const wait = () => {
            clearTimeout(timer);
            timer = setTimeout(end, silence);
        };
        wait();
        stream.on('data', (answer) => {
            answers.push(answer);
            if (answers.length >= most) end();
            else wait();
        });
        stream.on('end', () => end());
        stream.on('error', (error) => (error.code === grpc.status.CANCELLED ? undefined : end(error)));
    });
}

const chosen = (position) => {
    const seek = new orderer.SeekPosition();
    if (position === 'newest') seek.setNewest(new orderer.SeekNewest());
    else if (position === 'oldest') seek.setOldest(new orderer.SeekOldest());
    else if (position === 'next') seek.setNextCommit(new orderer.SeekNextCommit());
    else {
        const specified = new orderer.SeekSpecified();
        specified.setNumber(position);
        seek.setSpecified(specified);
    }
    return seek;
};

/** Blocks by a method of peer.Deliver. Options: behaviour, creator, signature, most. */
export async function deliver(method, channel, start, stop, options = {}) {
    const seek = new orderer.SeekInfo();
    seek.setStart(chosen(start));
    seek.setStop(chosen(stop));
    seek.setBehavior(options.behaviour ?? orderer.SeekInfo.SeekBehavior.BLOCK_UNTIL_READY);
    const payload = new common.Payload();
    payload.setHeader(header(headers(channel, common.HeaderType.DELIVER_SEEK_INFO, options)));
    payload.setData(seek.serializeBinary());
    const envelope = new common.Envelope();
    envelope.setPayload(payload.serializeBinary());
    envelope.setSignature(options.signature ?? (await sign(envelope.getPayload_asU8())));
    const stream = client.makeBidiStreamRequest(
        `/protos.Deliver/${method}`,
        (message) => Buffer.from(message.serializeBinary()),
        (bytes) => peer.DeliverResponse.deserializeBinary(new Uint8Array(bytes)),
    );
    stream.write(envelope);
    stream.end();
    return collect(stream, options.most ?? 100, options.silence);
}

/** Chaincode events. Options: after (transaction), creator, signature, most. */
export async function chaincodeEvents(channel, chaincode, start, options = {}) {
    const request = new gateway.ChaincodeEventsRequest();
    request.setChannelId(channel);
    request.setChaincodeId(chaincode);
    request.setIdentity(options.creator ?? creator());
    request.setStartPosition(chosen(start));
    request.setAfterTransactionId(options.after ?? '');
    const whole = new gateway.SignedChaincodeEventsRequest();
    whole.setRequest(request.serializeBinary());
    whole.setSignature(options.signature ?? (await sign(whole.getRequest_asU8())));
    const stream = client.makeServerStreamRequest(
        '/gateway.Gateway/ChaincodeEvents',
        (message) => Buffer.from(message.serializeBinary()),
        (bytes) => gateway.ChaincodeEventsResponse.deserializeBinary(new Uint8Array(bytes)),
        whole,
    );
    return collect(stream, options.most ?? 100, options.silence);
}

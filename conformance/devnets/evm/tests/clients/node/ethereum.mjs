// Uses an Ethereum node through viem, and prints every answer that it got, without what differs from node to node by
// right, as one JSON object. The test compares the Ethereum-like node's with Anvil's.
//
//   node ethereum.mjs URL
import { createPublicClient, createTestClient, createWalletClient, defineChain, http, keccak256, parseGwei, toRlp } from "viem";
import { privateKeyToAccount } from "viem/accounts";

const [url] = process.argv.slice(2);
const chain = defineChain({
  id: 31337, name: "local", nativeCurrency: { name: "Ether", symbol: "ETH", decimals: 18 }, rpcUrls: { default: { http: [url] } },
});
const transport = http(url, { retryCount: 0 });
const account = privateKeyToAccount("0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80");
const client = createPublicClient({ chain, transport, pollingInterval: 20 });
const wallet = createWalletClient({ account, chain, transport });
const tests = createTestClient({ chain, transport, mode: "anvil" });
const other = "0x00000000000000000000000000000000000000aa";
// Logs the first word of its input with the topic 42, and returns it.
const code = "0x6012600c60003960126000f3600035600052602a60206000a160206000f3";
const word = `0x${"09".repeat(32)}`;

const told = {};
const raw = (method, params) => client.request({ method, params });
const note = async (name, answer) => (told[name] = await answer);
const refused = async (name, work) => {
  try {
    told[name] = await work();
  } catch (error) {
    const inner = error.walk?.((one) => one.code !== undefined && one.data === undefined) ?? error;
    told[name] = { refused: inner.details ?? inner.message };
  }
};

const fees = { maxFeePerGas: parseGwei("10"), maxPriorityFeePerGas: parseGwei("1") };
await note("chainId", raw("eth_chainId", []));
await note("version", raw("net_version", []));
await note("balance", raw("eth_getBalance", [account.address, "latest"]));
const creation = await wallet.sendTransaction({ data: code, nonce: 0, gas: 200000n, ...fees });
await client.waitForTransactionReceipt({ hash: creation });
await note("creation", raw("eth_getTransactionByHash", [creation]));
const receipt = await note("creationReceipt", raw("eth_getTransactionReceipt", [creation]));
await note("code", raw("eth_getCode", [receipt.contractAddress, "latest"]));
const sent = await wallet.sendTransaction({ to: receipt.contractAddress, data: word, nonce: 1, gas: 100000n, ...fees });
await client.waitForTransactionReceipt({ hash: sent });
await note("sentReceipt", raw("eth_getTransactionReceipt", [sent]));
await note("call", raw("eth_call", [{ to: receipt.contractAddress, input: word }, "latest"]));
await note("gas", raw("eth_estimateGas", [{ from: account.address, to: receipt.contractAddress, input: word }]));
await note("gasOfTransfer", raw("eth_estimateGas", [{ from: account.address, to: other, value: "0x1" }]));
await note("logs", raw("eth_getLogs", [{ fromBlock: "0x0", toBlock: "latest", address: receipt.contractAddress }]));
await note("noLogs", raw("eth_getLogs", [{ fromBlock: "0x0", topics: [`0x${"00".repeat(32)}`] }]));
const legacy = await wallet.sendTransaction({ to: other, value: 5n, nonce: 2, gas: 21000n, gasPrice: parseGwei("10") });
await client.waitForTransactionReceipt({ hash: legacy });
await note("legacy", raw("eth_getTransactionByHash", [legacy]));
const listed = await wallet.sendTransaction({
  to: other, value: 6n, nonce: 3, gas: 40000n, gasPrice: parseGwei("10"), accessList: [{ address: other, storageKeys: [word] }],
});
await client.waitForTransactionReceipt({ hash: listed });
await note("listed", raw("eth_getTransactionByHash", [listed]));
await note("listedReceipt", raw("eth_getTransactionReceipt", [listed]));
await note("nonce", raw("eth_getTransactionCount", [account.address, "pending"]));
await note("received", raw("eth_getBalance", [other, "latest"]));
await note("height", raw("eth_blockNumber", []));
const block = await note("block", raw("eth_getBlockByNumber", ["0x2", false]));
await note("wholeBlock", raw("eth_getBlockByHash", [block.hash, true]));
await note("receipts", raw("eth_getBlockReceipts", ["0x2"]));
await note("noBlock", raw("eth_getBlockByNumber", ["0xffff", false]));
await note("noTransaction", raw("eth_getTransactionByHash", [word]));
await note("noReceipt", raw("eth_getTransactionReceipt", [word]));
await note("storage", raw("eth_getStorageAt", [receipt.contractAddress, "0x0", "latest"]));
await note("history", raw("eth_feeHistory", ["0x2", "0x4", []]));
await note("syncing", raw("eth_syncing", []));
await refused("revert", () => raw("eth_call", [{ input: "0x60006000fd" }, "latest"]));
await refused("nonceTooLow", () => wallet.sendTransaction({ to: other, nonce: 0, gas: 21000n, ...fees }));
await refused("poor", () => wallet.sendTransaction({ to: other, nonce: 4, gas: 21000n, value: 10n ** 30n, ...fees }));
await refused("cheap", () => wallet.sendTransaction({ to: other, nonce: 4, gas: 21000n, gasPrice: 1n }));
await refused("noMethod", () => raw("eth_nothing", []));
await tests.setAutomine(false);
const waiting = await wallet.sendTransaction({ to: other, value: 1n, nonce: 4, gas: 21000n, ...fees });
await note("waiting", raw("eth_getTransactionByHash", [waiting]));
await refused("underpriced", () => wallet.sendTransaction({ to: other, value: 2n, nonce: 4, gas: 21000n, ...fees }));
const replacing = await wallet.sendTransaction({
  to: other, value: 3n, nonce: 4, gas: 21000n, maxFeePerGas: parseGwei("20"), maxPriorityFeePerGas: parseGwei("2"),
});
await note("replaced", raw("eth_getTransactionByHash", [waiting]));
await tests.mine({ blocks: 1 });
await note("replacingReceipt", raw("eth_getTransactionReceipt", [replacing]));
await note("safe", raw("eth_getBlockByNumber", ["safe", false]).then((one) => one.number));
await note("finalized", raw("eth_getBlockByNumber", ["finalized", false]).then((one) => one.number));

// The header's own fields hash to the block's hash.
const minimal = (n) => (BigInt(n) === 0n ? "0x" : `0x${BigInt(n).toString(16).padStart(Math.ceil(BigInt(n).toString(16).length / 2) * 2, "0")}`);
told.hashIsTheHeaders = block.hash === keccak256(toRlp([
  block.parentHash, block.sha3Uncles, block.miner, block.stateRoot, block.transactionsRoot, block.receiptsRoot, block.logsBloom,
  minimal(block.difficulty), minimal(block.number), minimal(block.gasLimit), minimal(block.gasUsed), minimal(block.timestamp),
  block.extraData, block.mixHash, block.nonce, minimal(block.baseFeePerGas), block.withdrawalsRoot, minimal(block.blobGasUsed),
  minimal(block.excessBlobGas), block.parentBeaconBlockRoot, block.requestsHash,
]));
console.log(JSON.stringify(told));

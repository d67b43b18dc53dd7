// Compiles the contracts with npm's solc and writes contracts/out/*.json, or compares with `--check`.
//
//   node contracts/compile.mjs FOLDER-WITH-node_modules [--check]
import { readFileSync, writeFileSync, mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const [tools, mode] = process.argv.slice(2);
if (!tools) {
  console.error("usage: node compile.mjs FOLDER-WITH-node_modules [--check]");
  process.exit(2);
}
const solc = createRequire(resolve(tools, "package.json"))("solc");
const names = ["PresetStore", "Probe", "TestToken"];
// No metadata hash: the bytecode depends on the source's meaning only. The EVM version is old enough for every chain.
const input = {
  language: "Solidity",
  sources: Object.fromEntries(names.map((name) => [`${name}.sol`, { content: readFileSync(join(here, `${name}.sol`), "utf8") }])),
  settings: {
    evmVersion: "paris",
    optimizer: { enabled: true, runs: 200 },
    metadata: { bytecodeHash: "none", appendCBOR: false },
    outputSelection: { "*": { "*": ["abi", "evm.bytecode.object"] } },
  },
};
const output = JSON.parse(solc.compile(JSON.stringify(input)));
const errors = (output.errors ?? []).filter((error) => error.severity === "error");
if (errors.length > 0) {
  console.error(errors.map((error) => error.formattedMessage).join("\n"));
  process.exit(1);
}
let different = 0;
for (const name of names) {
  const { abi, evm } = output.contracts[`${name}.sol`][name];
  const text = `${JSON.stringify({ compiler: solc.version(), abi, bytecode: `0x${evm.bytecode.object}` }, null, 1)}\n`;
  const path = join(here, "out", `${name}.json`);
  if (mode === "--check") {
    const same = readFileSync(path, "utf8") === text;
    console.log(`${name}: ${same ? "the same" : "DIFFERENT from what is checked in"}`);
    different += same ? 0 : 1;
  } else {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    console.log(`${name}: ${evm.bytecode.object.length / 2} bytes`);
  }
}
process.exit(different > 0 ? 1 : 0);

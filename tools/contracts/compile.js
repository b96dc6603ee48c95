// Compiles every .sol file of a folder into {abi, bytecode} JSON files, the same bytes on every machine.
// Usage: node compile.js SOURCE_DIR OUTPUT_DIR
const fs = require("fs");
const path = require("path");
const solc = require("solc");

const [sourceDir, outputDir] = process.argv.slice(2);
if (!sourceDir || !outputDir) {
  console.error("usage: node compile.js SOURCE_DIR OUTPUT_DIR");
  process.exit(2);
}

const sources = {};
for (const file of fs.readdirSync(sourceDir).filter((name) => name.endsWith(".sol")).sort()) {
  sources[file] = { content: fs.readFileSync(path.join(sourceDir, file), "utf8") };
}

const input = {
  language: "Solidity",
  sources,
  settings: {
    evmVersion: "shanghai",
    optimizer: { enabled: true, runs: 200 },
    // Without metadata the bytecode depends on the code alone, not on comments or paths.
    metadata: { appendCBOR: false, bytecodeHash: "none" },
    outputSelection: { "*": { "*": ["abi", "evm.bytecode.object"] } },
  },
};

const output = JSON.parse(solc.compile(JSON.stringify(input)));
const errors = (output.errors || []).filter((entry) => entry.severity === "error");
if (errors.length > 0) {
  console.error(errors.map((entry) => entry.formattedMessage).join("\n"));
  process.exit(1);
}

fs.mkdirSync(outputDir, { recursive: true });
for (const file of Object.keys(output.contracts)) {
  for (const [name, contract] of Object.entries(output.contracts[file])) {
    if (contract.evm.bytecode.object === "") continue; // an interface
    const artefact = { contract: name, abi: contract.abi, bytecode: "0x" + contract.evm.bytecode.object };
    fs.writeFileSync(path.join(outputDir, name + ".json"), JSON.stringify(artefact, null, 1) + "\n");
  }
}

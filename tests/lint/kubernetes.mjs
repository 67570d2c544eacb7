// The manifests against Kubernetes' published schema, which the npm package kubernetes-models is made from.
// usage: node kubernetes.mjs NODE_MODULES FILE...
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const [modules, ...files] = process.argv.slice(2);
const require = createRequire(modules + "/");
const { parseAllDocuments } = require("yaml");
let found = 0;
const complain = (...words) => {
    console.log(...words);
    found++;
};
for (const file of files) {
    for (const document of parseAllDocuments(readFileSync(file, "utf8"), { uniqueKeys: true })) {
        const o = document.toJS();
        const where = `${file}: ${o.kind} ${o.metadata?.name}:`;
        for (const e of document.errors) complain(where, e.message);
        try {
            const Kind = require(`kubernetes-models/${o.apiVersion}/${o.kind}`)[o.kind];
            new Kind(o).validate();
        } catch (e) {
            complain(where, e.message);
        }
    }
}
process.exit(found ? 1 : 0);

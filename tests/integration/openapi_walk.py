"""The OpenAPI document as a judge: a validator of the parts of JSON Schema it uses, and of whole answers."""
import json
import re

KEYWORDS = {"$ref", "type", "properties", "required", "enum", "pattern", "items", "oneOf", "anyOf",
            "additionalProperties", "minimum", "maximum", "minLength", "maxLength", "minItems",
            "maxItems", "minProperties",
            # say nothing about validity
            "description", "format", "default", "example", "examples", "title"}
TYPES = {
    "object": lambda v: isinstance(v, dict),
    "array": lambda v: isinstance(v, list),
    "string": lambda v: isinstance(v, str),
    "integer": lambda v: isinstance(v, int) and not isinstance(v, bool),
    "number": lambda v: isinstance(v, (int, float)) and not isinstance(v, bool),
    "boolean": lambda v: isinstance(v, bool),
    "null": lambda v: v is None,
}


class Document:
    def __init__(self, root):
        self.root = root
        self.operations = {(method.upper(), path): o for path, item in root["paths"].items()
                           for method, o in item.items()}

    def resolve(self, o):
        while "$ref" in o:
            assert o["$ref"].startswith("#/"), o
            target = self.root
            for part in o["$ref"][2:].split("/"):
                target = target[part.replace("~1", "/").replace("~0", "~")]
            o = {**target, **{k: v for k, v in o.items() if k != "$ref"}}
        return o

    def responses(self):
        """{(method, path, status): response}"""
        return {(m, p, int(s)): self.resolve(r) for (m, p), o in self.operations.items()
                for s, r in o["responses"].items()}

    def examples(self):
        """(method, path, name, value) of every request example."""
        for (m, p), o in self.operations.items():
            for media in o.get("requestBody", {}).get("content", {}).values():
                for name, example in media.get("examples", {}).items():
                    yield m, p, name, example["value"]

    def faults(self, schema, value, at="", closed=True):
        """What is wrong with the value, as lines. `closed`: members beside the declared ones are wrong even where
        the schema is silent: an answer must hold nothing that is not documented."""
        schema = self.resolve(schema)
        unknown = set(schema) - KEYWORDS
        if unknown:
            return [f"{at}: the validator does not know {unknown}"]
        found = []
        if "type" in schema:
            types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
            if not any(TYPES[t](value) for t in types):
                return [f"{at}: {json.dumps(value)[:80]} is not of type {types}"]
        if "enum" in schema and value not in schema["enum"]:
            found.append(f"{at}: {value!r} is not one of {schema['enum']}")
        for word, some in (("oneOf", lambda n: n == 1), ("anyOf", lambda n: n >= 1)):
            if word in schema:
                tried = [self.faults(s, value, at, closed) for s in schema[word]]
                if not some(sum(not t for t in tried)):
                    found.append(f"{at}: {word} does not hold: {tried}")
        if isinstance(value, str):
            if "pattern" in schema and not re.search(schema["pattern"], value):
                found.append(f"{at}: {value!r} does not match {schema['pattern']}")
            if not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value)):
                found.append(f"{at}: {len(value)} characters are too few or too many")
        elif TYPES["number"](value):
            if not schema.get("minimum", value) <= value <= schema.get("maximum", value):
                found.append(f"{at}: {value} is out of range")
        elif isinstance(value, list):
            if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)):
                found.append(f"{at}: {len(value)} items are too few or too many")
            for i, item in enumerate(value):
                found += self.faults(schema.get("items", {}), item, f"{at}/{i}", closed)
        elif isinstance(value, dict):
            found += self.object_faults(schema, value, at, closed)
        return found

    def object_faults(self, schema, value, at, closed):
        found = [f"{at}/{k}: is missing" for k in schema.get("required", []) if k not in value]
        if len(value) < schema.get("minProperties", 0):
            found.append(f"{at}: too few members")
        properties, rest = schema.get("properties", {}), schema.get("additionalProperties")
        for k, v in value.items():
            if k in properties:
                found += self.faults(properties[k], v, f"{at}/{k}", closed)
            elif isinstance(rest, dict):
                found += self.faults(rest, v, f"{at}/{k}", closed)
            elif rest is False or (rest is None and properties and closed):
                found.append(f"{at}/{k}: is not documented")
        return found

    def answer_faults(self, method, path, answer):
        """What is wrong with an answer to this operation."""
        response = self.responses().get((method, path, answer.status))
        if response is None:
            return [f"{answer.status} is not documented"]
        found = []
        for name, header in response.get("headers", {}).items():
            header, value = self.resolve(header), answer.headers.get(name.lower())
            if value is None:
                if header.get("required"):
                    found.append(f"header {name} is missing")
                continue
            if self.resolve(header["schema"]).get("type") == "integer" and value.isdigit():
                value = int(value)
            found += self.faults(header["schema"], value, f"header {name}")
        content = response.get("content", {})
        kind = answer.headers.get("content-type", "").split(";")[0]
        if kind not in content:
            return found + [f"content type {kind} is not one of {list(content)}"]
        if kind.endswith("json"):
            found += self.faults(content[kind].get("schema", {}), answer.json)
        return found

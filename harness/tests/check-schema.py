#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Validates scenario files by a JSON Schema, with a validator that is not ours.

check-schema.py SCHEMA FILE...: prints "valid FILE", or "invalid FILE: why", for each; a file that
is no YAML at all is invalid. Exits with 77 when the validator or the YAML reader is not there.
"""
import json
import re
import sys

try:
    import jsonschema
    import yaml
    Validator = jsonschema.Draft202012Validator
except (ImportError, AttributeError):
    sys.exit(77)


class Loader(yaml.SafeLoader):
    """YAML as editors read it: no dates, and of booleans only true and false."""


KEPT = {'tag:yaml.org,2002:bool': r'^(true|false)$', 'tag:yaml.org,2002:int': r'^-?[0-9]+$'}
Loader.yaml_implicit_resolvers = {
    first: [(tag, regexp) for tag, regexp in resolvers
            if tag not in KEPT and tag != 'tag:yaml.org,2002:timestamp']
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
for tag, pattern in KEPT.items():
    Loader.add_implicit_resolver(tag, re.compile(pattern), list('tf-0123456789'))


def verdict(validator, path):
    try:
        with open(path, encoding='utf-8') as f:
            document = yaml.load(f, Loader)
    except (yaml.YAMLError, UnicodeDecodeError, ValueError, RecursionError) as e:
        return f'invalid {path}: {str(e).splitlines()[0]}'
    # JSON has texts as keys only.
    document = json.loads(json.dumps(document, default=str))
    error = jsonschema.exceptions.best_match(validator.iter_errors(document))
    return f'invalid {path}: {error.message[:200]}' if error else f'valid {path}'


def main():
    with open(sys.argv[1], encoding='utf-8') as f:
        schema = json.load(f)
    Validator.check_schema(schema)
    for path in sys.argv[2:]:
        print(verdict(Validator(schema), path))


main()

#!/usr/bin/env node
/**
 * A plugin of protoc and buf that writes TypeScript for `protobuf()`: an interface and a message type of the same name for each message,
 * a type for each enum. Reads a CodeGeneratorRequest on stdin, writes a CodeGeneratorResponse on stdout
 * (`google/protobuf/compiler/plugin.proto`; the numbers here are that file's field numbers).
 */
import { readFileSync, writeSync } from 'node:fs';
import { readFile } from '../serdes/protobuf/descriptor.ts';
import { schemaOf } from '../serdes/protobuf/schema.ts';
import { readFields, text, writeField, writeVarintField } from '../serdes/protobuf/wire.ts';
import { generatedFile, outputName } from './file.ts';

const PROTO3_OPTIONAL = 1;

function respond(request: Uint8Array): Uint8Array {
  const fields = readFields(request);
  const wanted = fields.filter(({ number }) => number === 1).map(text);
  const files = fields.filter(({ number }) => number === 15).map(({ bytes }) => readFile(bytes));
  const parts = [writeVarintField(2, PROTO3_OPTIONAL)];
  try {
    const schema = schemaOf(files);
    for (const file of files.filter(({ name }) => wanted.includes(name))) {
      const content = generatedFile(file, files, schema);
      parts.push(writeField(15, Buffer.concat([writeField(1, outputName(file.name)), writeField(15, content)])));
    }
  } catch (error) {
    parts.splice(1, Infinity, writeField(1, error instanceof Error ? error.message : String(error)));
  }
  return Buffer.concat(parts);
}

let rest = respond(readFileSync(0));
while (rest.length > 0) rest = rest.subarray(writeSync(1, rest));

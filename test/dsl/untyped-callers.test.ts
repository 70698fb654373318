import { describe, expect, test } from 'vitest';
import {
  count,
  debezium,
  hopping,
  json,
  row,
  session,
  store,
  string,
  topic,
  topology,
  TopologyError,
  tumbling,
  windowed,
  within,
} from '../../src/index.ts';

/* eslint-disable @typescript-eslint/no-explicit-any -- as callers without types see it */

const claims = topic('claims', string(), json<{ paid: number }>());

/** A file is loaded without a check of its types, so what they forbid must be refused here too. */
const refusal = (declare: (stream: any, t: any) => unknown): unknown => {
  try {
    topology('app', t => void declare(t.stream(claims), t));
  } catch (error) {
    return error;
  }
  return undefined;
};

type Mistake = [what: string, declare: (stream: any, t: any) => unknown, message: RegExp];

const expectRefusals = (mistakes: readonly Mistake[]) =>
  test.each(mistakes)('%s', (_, declare, message) => {
    const error = refusal(declare) as TopologyError;
    expect(error).toBeInstanceOf(TopologyError);
    expect(error.message).toMatch(message);
    expect(error.message).toMatch(/test\/dsl\/untyped-callers\.test\.ts:\d+/);
  });

describe('what a step lacks is refused, saying what it takes, and where:', () => {
  expectRefusals([
    ['process without a definition', s => s.process('p'), /record of 'p' takes a function, not undefined/],
    ['process without its name', s => s.process({ record() {} }), /takes its name first/],
    ['scan without a serde', s => s.scan('s', () => 0, 0), /scan 's' keeps a state.*give its serde as fourth argument/],
    ['dedupe without options', s => s.dedupe('d'), /by of 'd' takes a function/],
    ['dedupe without a time', s => s.dedupe('d', { by: () => 1 }), /'within' of 'd' is undefined/],
    ['suppress without options', s => s.toTable('rows').suppress('s'), /'timeLimit' is undefined.*'5 min'/],
    ['count without its name', s => s.groupByKey().count(), /takes its name first.*was given undefined/],
    ['toTable without its name', s => s.toTable(string()), /takes its name first.*was given an object/],
    ['sum without a function', s => s.groupByKey().sum('c'), /'c' takes a function/],
    ['reduce without a function', s => s.groupByKey().reduce('c'), /'c' takes a function/],
    ['aggregate without aggregators', s => s.groupByKey().aggregate('a'), /takes an object of aggregators/],
    ['window without a window', s => s.groupByKey().window(), /window\(…\) takes a window/],
    ['hopping without every', s => s.groupByKey().window(hopping('1 h', undefined as never)), /'every' is undefined/],
    ['filter without a function', s => s.filter(), /'filter' takes a function, not undefined/],
    ['a timer without one', s => s.process('p', { record() {}, timers: { t: 5 } }), /timer 't' of 'p' takes a function/],
    ['merge of nothing', s => s.merge(), /a merge of one stream: merge\(other\) takes at least one other/],
    ['split into nothing', s => s.split({}), /a split without branches.*split\(\{ open: /],
    ['split without predicates', s => s.split(), /a split without branches/],
    ['to without a topic', s => s.to(), /to takes a topic, as in to\(topic\('a-name', string\(\), json\(\)\)\), not undefined/],
    ['to with a name', s => s.to('claims'), /to takes a topic, .*not a string/],
    ['stream without a topic', (_, t) => t.stream(), /stream takes a topic: t\.stream\(claims\), where claims = topic\(/],
    ['table without its name', (_, t) => t.table(claims), /table takes its name, then a topic: t\.table\('claims', claims\)/],
    ['table without a topic', (_, t) => t.table('claims'), /table takes its name, then a topic/],
    ['globalTable without its name', (_, t) => t.globalTable(claims), /globalTable takes its name, then a topic/],
    ['a topic without serdes', () => topic('other', undefined as never, string()), /the key of topic 'other' is written by a serde, such as string\(\) or json\(\), not by undefined/],
    ['a topic of serdes by name', () => topic('other', string(), 'json' as never), /the value of topic 'other'.*not by a string/],
    ['a topic whose timestamp is none', () => topic('other', string(), string(), { timestamp: 5 as never }), /the timestamp of topic 'other' is a function of the value that returns ms since 1970, not a number/],
    ['a join without its name', (s, t) => s.join(t.table('rows', topic('rows', string(), string())), () => 1), /takes its name first.*was given an object/],
    ['a join of tables without its name', (_, t) => { const rows = t.table('rows', topic('rows', string(), string())); rows.leftJoin(rows, () => 1); }, /takes its name first.*was given an object/],
    ['an outer join without its name', s => s.outerJoin(s, within('1 s'), () => 1), /takes its name first.*was given an object/],
    ['debezium without a key', () => debezium('db.claims', row<{ id: string }>(), {} as never), /topic 'db\.claims' takes the column of its primary key.*\{ key: 'id' \}/],
    ['a key of no serde', s => s.keyBy('by', () => 1, 'string'), /the key of 'by' is written by a serde.*not by a string/],
    ['.as of no serde', s => s.as('string'), /the options of \.as behind 'values' are an object, \{ key, value \}, not a string/],
    ['toTable of no serde', s => s.toTable('rows', 'json'), /the value of 'rows' is written by a serde/],
    ['a store of a serde alone', s => s.process('p', { record() {}, stores: { open: string() } }), /store 'open' of 'p' is declared by an object: write stores: \{ open: store\(serde\) \}/],
    ['a store of nothing', s => s.process('p', { record() {}, stores: { open: (store as any)() } }), /store 'open' of 'p' is written by a serde.*not by undefined/],
    ['an interval of nothing', s => s.process('p', { record() {}, intervals: { hourly: null } }), /interval 'hourly' of 'p' are an object, \{ every, run \}, not null/],
  ]); // prettier-ignore
});

describe('what does not belong together is refused, saying what to write:', () => {
  const table = (t: any, name = 'rows') => t.table(name, topic(name, string(), string()));
  const fn = () => 1;
  expectRefusals([
    ['a stream with a topic', s => s.join('j', claims, fn), /join 'j' of a stream takes a stream, a table or a global table, not a Topic\. Read it with t\.stream\(topic\) or t\.table\('a-name', topic\)/],
    ['a stream with nothing', s => s.leftJoin('j'), /leftJoin 'j' of a stream takes .*, not undefined/],
    ['a stream with a group', s => s.join('j', s.groupByKey(), fn), /not a GroupedStream\. Group it behind the join/],
    ['a table with a stream', (s, t) => table(t).join('j', s, fn), /join 'j' of a table takes a table, not a Stream\. Make a table of it, stream\.toTable\('a-name'\), or join from the stream/],
    ['a table with a global table', (_, t) => table(t).join('j', t.globalTable('g', topic('g', string(), string())), fn), /not a GlobalTable\. Only streams are joined with a global table/],
    ['a table with a topic', (_, t) => table(t).outerJoin('j', claims, fn), /takes a table, not a Topic\. Read it with/],
    ['a table outer by a foreign key', (_, t) => table(t).outerJoin('j', table(t, 'others'), fn, fn), /outerJoin 'j' takes no foreign key.*join and leftJoin take one/],
    ['a stream outer with a table', (s, t) => s.outerJoin('j', table(t), within('1 s'), fn), /outerJoin 'j' of a stream takes a stream, not a Table\. Its changes are a stream: table\.toStream\(\)/],
    ['a stream merged with a table', (s, t) => s.merge(table(t)), /merge takes streams, not a Table/],
    ['a stream merged with a topic', s => s.merge(claims), /merge takes streams, not a Topic/],
    ['a cogroup with a topic', s => s.groupByKey().cogroup({ n: count() }).and(claims, { m: count() }), /and takes a grouped stream, such as stream\.groupByKey\(\), not a Topic/],
  ]); // prettier-ignore
});

describe('an option that nobody knows, or that says nothing, is refused, naming the known ones:', () => {
  const by = () => 1;
  const rows = topic('rows', string(), string());
  const fn = () => 1;
  const known = (names: string) => new RegExp(`has no option 'wrong': it takes \\{ ${names} \\}`);
  const wrong = { wrong: 1 };
  expectRefusals([
    ['of a topic', () => topic('other', string(), string(), wrong as never), known('partitions, config, timestamp')],
    ['of debezium', () => debezium('other', row<{ id: string }>(), { key: 'id', ...wrong } as never), known('key, partitions')],
    ['of a stream', (_, t) => t.stream(rows, wrong), known('tombstones, onError')],
    ['of a table', (_, t) => t.table('rows', rows, wrong), known('readFirst, versioned, renamedFrom, onDrop, onError')],
    ['of keyBy', s => s.keyBy('k', by, string(), wrong), known('onDrop, onError')],
    ['of groupBy', s => s.groupBy('k', by, string(), wrong), known('onDrop, onError')],
    ['of a table’s groupBy', s => s.toTable('rows').groupBy('k', by, string(), wrong), known('onDrop, onError')],
    ['of repartition', s => s.repartition('k', wrong), known('partitions, onDrop, onError')],
    ['of toTable', s => s.toTable('rows', undefined, wrong), known('renamedFrom, onDrop, onError')],
    ['of count', s => s.groupByKey().count('n', wrong), known('renamedFrom, onDrop, onError')],
    ['of aggregate', s => s.groupByKey().aggregate('n', { n: count() }, wrong), known('renamedFrom, onDrop, onError')],
    ['of cogroup', s => s.groupByKey().cogroup({ n: count() }).aggregate('n', wrong), known('renamedFrom, onDrop, onError')],
    ['of a join of streams', s => s.join('j', s, within(1), fn, wrong), known('renamedFrom, onDrop, onError')],
    ['of a join with a table', s => s.join('j', s.toTable('rows'), fn, wrong), known('onDrop, onError, grace')],
    ['of a join with a versioned table', (s, t) => s.join('j', t.table('rows', rows, { versioned: 9 }), fn, { grace: 1, ...wrong }), known('grace, renamedFrom, onDrop, onError')],
    ['of a join with a global table', (s, t) => s.join('j', t.globalTable('rows', rows), by, fn, wrong), known('onDrop, onError')],
    ['of a foreign-key join', (s, t) => s.toTable('a').join('j', t.table('rows', rows), by, fn, wrong), known('onDrop, onError')],
    ['of a join of tables', (s, t) => s.toTable('a').join('j', t.table('rows', rows), fn, wrong), known('onError')],
    ['of suppress', s => s.toTable('rows').suppress('s', { timeLimit: 1, ...wrong }), known('timeLimit, maxRecords, renamedFrom')],
    ['of dedupe', s => s.dedupe('d', { by, within: 1, ...wrong }), known('by, within, renamedFrom, onDrop, onError')],
    ['of a twin', s => s.pairwise('p', wrong), known('renamedFrom, onDrop, onError')],
    ['of mapAsync', s => s.mapAsync('m', by, wrong), known('concurrency, order, timeout, retry, renamedFrom, onDrop, onError')],
    ['of its retry', s => s.mapAsync('m', by, { retry: { times: 1, ...wrong } }), known('times, backoff')],
    ['of process', s => s.process('p', { record() {} }, wrong), known('renamedFrom, onDrop, onError')],
    ['of its definition', s => s.process('p', { record() {}, ...wrong }), known('stores, forwards, record, timers, clockTimers, intervals, clockIntervals')],
    ['of its interval', s => s.process('p', { record() {}, intervals: { i: { every: 1, run() {}, ...wrong } } }), known('every, run')],
    ['of a window', () => tumbling(1, wrong as never), known('grace, emit')],
    ['of hopping', () => hopping(2, { every: 1, ...wrong }), known('grace, emit')],
    ['of sessions', () => session(2, wrong as never), known('grace, emit')],
    ['of within', () => within(1, wrong as never), known('grace')],
    ['of its ends', () => within({ before: 1, after: 1, ...wrong }), known('before, after')],
    ['no object', s => s.groupByKey().count('n', 'dead-letter'), /the options of 'n' are an object, \{ renamedFrom, onDrop, onError \}, not a string/],
    ['an unknown onDrop', s => s.groupByKey().count('n', { onDrop: 'keep' }), /the onDrop of 'n' is "keep": it is 'count' or 'dead-letter'/],
    ['an unknown onDrop of keyBy', s => s.keyBy('k', by, string(), { onDrop: true }), /the onDrop of 'k' is true/],
    ['a history of nothing', (_, t) => t.table('rows', rows, { versioned: 0 }), /the history of table 'rows' is 0: it takes at least 1 ms/],
    ['a limit of nothing', s => s.toTable('rows').suppress('s', { timeLimit: '0 s' }), /'timeLimit' is 0/],
    ['a timeout of nothing', s => s.mapAsync('m', by, { timeout: 0 }), /the timeout of 'm' is 0/],
    ['no partitions', () => topic('other', string(), string(), { partitions: 0 }), /partitions of topic 'other' is 0: it takes a whole number from 1/],
  ]); // prettier-ignore
});

describe('keys with a window and keys without one', () => {
  const counts = (s: any) => s.groupByKey().window(tumbling('1 h')).count('hourly');
  expectRefusals([
    ['are no keys of one topic', s => counts(s).to(topic('out', string(), json())), /topic out has keys written as string, and is to be given records whose keys are windowed string \(from the windows of 'hourly'\)\. Declare its keys with windowed\(…\)/],
    ['nor the other way round', s => s.to(topic('out', windowed(string()), json())), /topic out has keys written as windowed string, and is to be given records whose keys are string \(from topic claims\)/],
  ]); // prettier-ignore

  test('are where the topic says so, or writes any key', () => {
    expect(refusal(s => counts(s).to(topic('out', windowed(string()), json())))).toBeUndefined();
    expect(refusal(s => counts(s).to(topic('out', json(), json())))).toBeUndefined();
  });
});

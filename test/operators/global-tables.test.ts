import { describe, expect, test } from 'vitest';
import { debezium, json, row, string, topic, topology } from '../../src/index.ts';
import type { TopologyBuilder } from '../../src/index.ts';
import { brief, drive, records } from '../drive.ts';
import { TestWorld, record, short } from '../runtime/world.ts';

const claims = topic('claims', string(), string());
const countries = topic('countries', string(), json<string>());
const out = topic('out', string(), string());

/** A claim's value is its country's code; `-` is none. */
const codeOf = (value: string) => (value === '-' ? null : value);

const graph = topology('app', t => {
  const table = t.globalTable('by-code', countries);
  t.stream(claims)
    .leftJoin('with-country', table, codeOf, (value, country) => `${value}:${country}`)
    .as(string())
    .to(out);
});
const inner = topology('app', t => {
  const table = t.globalTable('by-code', countries);
  t.stream(claims)
    .join('with-country', table, codeOf, (value, country) => `${value}:${country}`)
    .as(string())
    .to(out);
});

const country = (key: string, value: string | null) => ({ topic: 'countries', key, value });

describe('a join with a global table', () => {
  test('finds the row that each record names, in whatever partition either lies', async () => {
    await using driver = await drive(graph, { partitions: 4 });
    const codes = Array.from({ length: 20 }, (_, i) => `C${i}`);
    await driver.pipeAll(codes.map(code => country(code, `name of ${code}`)));
    await driver.pipeAll(codes.map((code, i) => ({ topic: 'claims', key: `claim-${i}`, value: code, timestamp: 5 })));
    const expected = codes.map((code, i) => `claim-${i}=${code}:name of ${code}@5`);
    expect(brief(await driver.read('out')).sort()).toEqual(expected.sort());
    expect(await driver.store('by-code').get('C7')).toBe('name of C7');
  });

  test('left: null where there is no row or none is named; inner drops those that name none, and counts them', async () => {
    const fed = [country('DE', 'Germany'), country('FR', 'France'), country('FR', null)];
    const asked = records('claims', 'a=DE@1', 'b=FR@2', 'c=-@3');
    await using left = await drive(graph);
    await left.pipeAll(fed);
    await left.pipeAll(asked);
    expect(brief(await left.read('out'))).toEqual(['a=DE:Germany@1', 'b=FR:null@2', 'c=-:null@3']);
    await using driver = await drive(inner);
    await driver.pipeAll(fed);
    await driver.pipeAll(asked);
    expect(brief(await driver.read('out'))).toEqual(['a=DE:Germany@1']);
    expect(driver.figures().dropped).toEqual({ 'null-key': 1 });
  });

  test('needs no key of its records, and makes no repartition', async () => {
    const keyed = topology('app', t => {
      const table = t.globalTable('by-code', countries);
      t.stream(claims)
        .keyBy('by-length', value => value.length)
        .join('with-country', table, codeOf, (value, name) => `${value}:${name}`)
        .as({ key: json<number>(), value: string() })
        .to(topic('lengths', json<number>(), string()));
    });
    await using driver = await drive(keyed);
    await driver.pipe(country('DE', 'Germany'));
    await driver.pipe({ topic: 'claims', key: null, value: 'DE', timestamp: 5 });
    expect(brief(await driver.read('lengths'))).toEqual(['2=DE:Germany@5']);
    await expect(driver.read('app-by-length-repartition')).rejects.toThrow(/has no topic/);
  });

  test('of a database table has its rows', async () => {
    interface Country { readonly code: string; readonly name: string } // prettier-ignore
    const changes = debezium('db.countries', row<Country>(), { key: 'code' });
    const joined = topology('app', t => {
      const table = t.globalTable('by-code', changes);
      const named = t.stream(claims).leftJoin('with-country', table, codeOf, (_, found) => String(found?.name));
      named.as(string()).to(out);
    });
    const source = { ts_ms: 5, db: 'db', table: 'countries', snapshot: 'false' };
    const event = (op: string, before: Country | null, after: Country | null) => ({
      topic: 'db.countries',
      key: Buffer.from(JSON.stringify({ code: (after ?? before)!.code })),
      value: Buffer.from(JSON.stringify({ op, before, after, source })),
    });
    await using driver = await drive(joined);
    await driver.pipe(event('c', null, { code: 'DE', name: 'Germany' }));
    await driver.pipe(records('claims', 'a=DE@1')[0]!);
    await driver.pipe(event('d', { code: 'DE', name: 'Germany' }, null));
    await driver.pipe(records('claims', 'b=DE@2')[0]!);
    expect(brief(await driver.read('out'))).toEqual(['a=Germany@1', 'b=undefined@2']);
  });
});

describe('a global table', () => {
  test('is read to its end before the first record of a stream, and kept up to date by starts and between records', async () => {
    await using world = await TestWorld.open();
    await world.topic('claims', 2);
    await world.topic('countries', 3);
    await world.write('countries', record('DE="Germany"@100'), record('FR="France"@100'));
    await world.write('claims', record('a=DE@1'), record('b=FR@2'));
    await world.runToIdle(graph);
    expect(short(await world.read('out')).sort()).toEqual(['a=DE:Germany@1', 'b=FR:France@2']);

    await world.write('countries', record('DE="Deutschland"@3'), record('FR=null@3'));
    await world.write('claims', record('c=DE@4'), record('d=FR@4'));
    const application = await world.start(graph);
    await application.idle();
    // only what came since the last run was read
    expect(application.figures().steps.find(({ step }) => step === 'by-code')!.in).toBe(2);
    await world.write('countries', record('FR="République"@5'));
    await application.idle();
    await world.write('claims', record('e=FR@6'));
    await application.idle();
    await application.stop();
    expect(short(await world.read('out')).sort()).toEqual([
      'a=DE:Germany@1',
      'b=FR:France@2',
      'c=DE:Deutschland@4',
      'd=FR:null@4',
      'e=FR:République@6',
    ].map(text => Buffer.from(text).toString('latin1'))); // prettier-ignore
  });

  test('passes over what it cannot read, logs where that is, and keeps the row it had', async () => {
    await using world = await TestWorld.open();
    await world.topic('claims', 1);
    await world.topic('countries', 1);
    await world.write('countries', record('DE="Germany"@1'), record('DE=}@2'), record('FR="France"@3'));
    await world.write('claims', record('a=DE@4'), record('b=FR@5'));
    const application = await world.start(graph);
    await application.idle();
    expect(application.figures().dropped).toEqual({ unreadable: 1 });
    await application.stop();
    expect(short(await world.read('out'))).toEqual(['a=DE:Germany@4', 'b=FR:France@5']);
    expect(world.warnings).toContain("a record of global table 'by-code' cannot be read: it is passed over");

    await world.write('countries', record('DE=}@6'));
    await expect(world.start(graph, { onError: 'stop' })).rejects.toMatchObject({
      code: 'TOPO_STOPPED_BY_POLICY',
      place: { step: 'by-code', topic: 'countries', partition: 0, offset: 3 },
    });
  });

  test('ends a run at a record it cannot read where the policy says stop; what came before is committed', async () => {
    await using world = await TestWorld.open();
    await world.topic('claims', 1);
    await world.topic('countries', 1);
    const application = await world.start(graph, { onError: 'stop' });
    await world.write('claims', record('a=DE@1'));
    await application.idle();
    await world.write('countries', record('DE=}@2'));
    await expect(application.done).rejects.toMatchObject({ code: 'TOPO_STOPPED_BY_POLICY' });
    expect(short(await world.read('out'))).toEqual(['a=DE:null@1']);
  });

  test('whose state is lost is read anew from its topic', async () => {
    await using world = await TestWorld.open();
    await world.topic('claims', 1);
    await world.topic('countries', 2);
    await world.write('countries', record('DE="Germany"@1'), record('FR="France"@1'));
    await world.runToIdle(graph);
    await world.state.setAside('global:by-code');
    await world.write('claims', record('a=DE@2'), record('b=FR@3'));
    await world.runToIdle(graph);
    expect(short(await world.read('out'))).toEqual(['a=DE:Germany@2', 'b=FR:France@3']);
  });

  test('that stands behind the end of its topic shows a loss: refused, and read anew where that is accepted', async () => {
    await using world = await TestWorld.open();
    await world.topic('claims', 1);
    await world.topic('countries', 1);
    await world.write('countries', record('DE="Germany"@1'));
    await world.runToIdle(graph);
    const state = await world.state.open('global:by-code', 1_000_000);
    await state.write([['m/offset/0', Buffer.from('9')]]);
    await state.close();
    await world.write('claims', record('a=DE@2'));
    for (let start = 0; start < 2; start++)
      await expect(world.runToIdle(graph)).rejects.toMatchObject({
        code: 'TOPO_LOG_DAMAGED',
        message: expect.stringContaining('countries-0 up to offset 9') as string,
      });
    await world.runToIdle(graph, { acceptLoss: true });
    expect(short(await world.read('out'))).toEqual(['a=DE:Germany@2']);
    expect(world.warnings.join('\n')).toContain(
      "the state of global table 'by-code' stands where the topic has no records",
    );
  });

  test('that is of another topic now is read anew', async () => {
    await using world = await TestWorld.open();
    for (const name of ['claims', 'countries', 'others']) await world.topic(name, 1);
    await world.write('countries', record('DE="Germany"@1'), record('FR="France"@1'));
    await world.runToIdle(graph);
    await world.write('others', record('DE="Allemagne"@1'));
    await world.write('claims', record('a=DE@2'), record('b=FR@3'));
    const other = topology('app', t => {
      const table = t.globalTable('by-code', topic('others', string(), json<string>()));
      const joined = t.stream(claims).leftJoin('with-country', table, codeOf, (value, found) => `${value}:${found}`);
      joined.as(string()).to(out);
    });
    await world.runToIdle(other);
    expect(short(await world.read('out'))).toEqual(['a=DE:Allemagne@2', 'b=FR:null@3']);
    expect(world.warnings.join('\n')).toContain("the state of global table 'by-code' is of another topic");
  });
});

describe('the topic of a global table is used for nothing else', () => {
  const refused = (declare: (t: TopologyBuilder) => void) =>
    expect(() =>
      topology('app', t => {
        const table = t.globalTable('by-code', countries);
        t.stream(claims).join('with-country', table, codeOf, value => value);
        declare(t);
      }),
    );

  test('not read as stream or table, not written, not a second global table', () => {
    const message = /topic countries is that of global table 'by-code', and .* reads or writes it too/;
    refused(t => t.stream(countries)).toThrow(message);
    refused(t => t.table('rows', countries)).toThrow(message);
    refused(t => t.stream(claims).as(json<string>()).to(countries)).toThrow(message);
    refused(t => t.globalTable('again', countries)).toThrow(/topic countries is that of global table 'again'/);
  });

  test('and its name is no other step’s', () => {
    refused(t => t.table('by-code', topic('other', string(), string()))).toThrow(/'by-code' names both a globalTable/);
  });
});

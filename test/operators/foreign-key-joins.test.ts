import { describe, expect, test } from 'vitest';
import { count, debezium, json, row, string, topic, topology } from '../../src/index.ts';
import type { TopologyBuilder } from '../../src/index.ts';
import { brief, drive, records } from '../drive.ts';

const left = topic('left', string(), string());
const right = topic('right', string(), string());
const out = topic('out', string(), string());

/** `1:x` refers to `1`, `:x` to nothing. */
const foreignKeyOf = (value: string) => (value.startsWith(':') ? null : value.split(':')[0]!);
const pair = (l: string, r: string | null) => `${l}-${r}`;

const inner = topology('app', t => {
  t.table('lefts', left).join('joined', t.table('rights', right), foreignKeyOf, pair).as(string()).to(out);
});
const outer = topology('app', t => {
  t.table('lefts', left).leftJoin('joined', t.table('rights', right), foreignKeyOf, pair).as(string()).to(out);
});

/** What each record led to, in the order of keys; records as `left k=1@3`. */
async function fed(graph: typeof inner, ...texts: readonly string[]): Promise<string[][]> {
  await using driver = await drive(graph);
  const results: string[][] = [];
  for (const text of texts) {
    const [side, record] = text.split(' ') as [string, string];
    await driver.pipe(records(side, record)[0]!);
    results.push(brief(await driver.read('out')).sort());
  }
  return results;
}

describe('the sequence of the documentation', () => {
  const SEQUENCE = [
    'left k=1@1', 'right 1=foo@1', 'left k=2@2', 'left k=3@3', 'right 3=bar@4', 'left k=null@5', 'left k=1@6', 'left q=10@7',
    'left r=10@8', 'right 10=baz@9',
  ]; // prettier-ignore

  test('inner', async () => {
    expect(await fed(inner, ...SEQUENCE)).toEqual([
      [], ['k=1-foo@1'], ['k=null@2'], ['k=null@3'], ['k=3-bar@4'], ['k=null@5'], ['k=1-foo@6'], [], [],
      ['q=10-baz@9', 'r=10-baz@9'],
    ]); // prettier-ignore
  });

  test('left', async () => {
    expect(await fed(outer, ...SEQUENCE)).toEqual([
      ['k=1-null@1'], ['k=1-foo@1'], ['k=2-null@2'], ['k=3-null@3'], ['k=3-bar@4'], ['k=null@5'], ['k=1-foo@6'],
      ['q=10-null@7'], ['r=10-null@8'], ['q=10-baz@9', 'r=10-baz@9'],
    ]); // prettier-ignore
  });
});

describe('what comes of a change', () => {
  test('deleting a row that never joined gives one tombstone; again, or a key never seen, nothing', async () => {
    const sequence = ['left k=1@1', 'left k=null@2', 'left k=null@3', 'left j=null@4'];
    expect(await fed(inner, ...sequence)).toEqual([[], ['k=null@2'], [], []]);
    expect(await fed(outer, ...sequence)).toEqual([['k=1-null@1'], ['k=null@2'], [], []]);
  });

  test('moving between foreign keys without rows: inner gives a tombstone each time, left the value with null', async () => {
    const sequence = ['left k=1@1', 'left k=2@2', 'left k=3@3'];
    expect(await fed(inner, ...sequence)).toEqual([[], ['k=null@2'], ['k=null@3']]);
    expect(await fed(outer, ...sequence)).toEqual([['k=1-null@1'], ['k=2-null@2'], ['k=3-null@3']]);
  });

  test('a row that moved on hears no more of its former foreign key', async () => {
    const sequence = ['right 1=a@1', 'right 2=b@2', 'left k=1@3', 'left k=2@4', 'right 1=c@5', 'right 2=d@6'];
    expect(await fed(inner, ...sequence)).toEqual([[], [], ['k=1-a@3'], ['k=2-b@4'], [], ['k=2-d@6']]);
  });

  test('deleting a right row reaches all that refer to it, and no other', async () => {
    const sequence = ['right 1=a@1', 'right 2=b@2', 'left x=1@3', 'left y=2@4', 'left z=1@5', 'right 1=null@6'];
    expect((await fed(inner, ...sequence)).at(-1)).toEqual(['x=null@6', 'z=null@6']);
    expect((await fed(outer, ...sequence)).at(-1)).toEqual(['x=1-null@6', 'z=1-null@6']);
  });

  test('without a foreign key: left gives the value with null, inner takes back what was there', async () => {
    const sequence = ['right 1=a@1', 'left k=:x@2', 'left k=1@3', 'left k=:y@4', 'left k=:z@5', 'left k=null@6'];
    expect(await fed(inner, ...sequence)).toEqual([[], [], ['k=1-a@3'], ['k=null@4'], [], []]);
    expect(await fed(outer, ...sequence)).toEqual([
      [], ['k=:x-null@2'], ['k=1-a@3'], ['k=:y-null@4'], ['k=:z-null@5'], ['k=null@6'],
    ]); // prettier-ignore
  });

  test('an inner join counts a row without a foreign key as dropped', async () => {
    await using driver = await drive(inner);
    await driver.pipeAll(records('left', 'k=:x@1', 'j=1@2'));
    expect(driver.figures().dropped).toEqual({ 'null-foreign-key': 1 });
  });

  test('a result has the later timestamp of both sides, and the headers of the left', async () => {
    await using driver = await drive(inner);
    const headers = [['from', Buffer.from('left')]] as const;
    await driver.pipe({ topic: 'left', key: 'k', value: '1', timestamp: 12, headers });
    await driver.pipe({ ...records('right', '1=a@5')[0]!, headers: [['from', Buffer.from('right')]] });
    await driver.pipe(records('right', '1=b@20')[0]!);
    await driver.pipe({ topic: 'left', key: 'k', value: '1:x', timestamp: 15, headers });
    const results = await driver.read('out');
    expect(brief(results)).toEqual(['k=1-a@12', 'k=1-b@20', 'k=1:x-b@20']);
    expect(results.map(one => one.headers)).toEqual([headers, headers, headers]);
  });

  test('changes of a row that overtake one another give one result', async () => {
    await using driver = await drive(inner);
    await driver.pipe(records('right', '1=a@1')[0]!);
    await driver.pipeAll(records('left', 'k=1:x@2', 'k=1:y@3'));
    expect(brief(await driver.read('out'))).toEqual(['k=1:y-a@3']);
    expect(driver.figures().dropped).toEqual({ stale: 1 });
  });

  test('an answer that comes after its row was deleted and made again is not taken for an answer to the new one', async () => {
    await using driver = await drive(inner);
    await driver.pipeAll(records('right', '1=a@1', '2=b@1'));
    await driver.pipeAll(records('left', 'k=1@2', 'k=null@3', 'k=2@4'));
    expect(brief(await driver.read('out'))).toEqual(['k=null@3', 'k=2-b@4']);
  });

  test('a right row that went while its left row changed is taken back', async () => {
    await using driver = await drive(inner);
    await driver.pipeAll([...records('right', '1=a@1'), ...records('left', 'k=1:x@2')]);
    expect(brief(await driver.read('out'))).toEqual(['k=1:x-a@2']);
    // the answer to the deletion is overtaken by the row's change
    await driver.pipeAll([...records('right', '1=null@3'), ...records('left', 'k=1:y@4')]);
    expect(brief(await driver.read('out')).at(-1)).toBe('k=null@4');
    expect(await driver.store('joined').get('k')).toBeNull();
  });
});

describe('what fails', () => {
  const failing = topology('app', t => {
    const rights = t.table('rights', right);
    const joined = t.table('lefts', left).join(
      'joined',
      rights,
      value => {
        if (value === 'bad') throw new Error('no foreign key in it');
        return foreignKeyOf(value);
      },
      (l, r) => {
        if (r === 'bad') throw new Error('no result of it');
        return pair(l, r);
      },
    );
    joined.as(string()).to(out);
  });

  test('a foreign-key function that throws fails the left record, and nothing of it is left', async () => {
    await using driver = await drive(failing);
    await driver.pipeAll([...records('right', '1=a@1'), ...records('left', 'k=1@2')]);
    await driver.pipe(records('left', 'k=bad@3')[0]!);
    expect(brief(await driver.read('out'))).toEqual(['k=1-a@2']);
    expect(await driver.read('app.dead-letters')).toMatchObject([{ key: Buffer.from('k'), value: Buffer.from('bad') }]);
    expect(await driver.store('lefts').get('k')).toBe('1');
    expect(await driver.store('joined').get('k')).toBe('1-a');
  });

  test('a joiner that throws fails the answer, and the result stays', async () => {
    await using driver = await drive(failing);
    await driver.pipeAll([...records('right', '1=a@1'), ...records('left', 'k=1@2')]);
    await driver.pipe(records('right', '1=bad@3')[0]!);
    const [letter] = await driver.read('app.dead-letters');
    const headers = Object.fromEntries(letter!.headers.map(([name, value]) => [name, Buffer.from(value!).toString()]));
    expect(headers).toMatchObject({
      'topo.step': 'joined',
      '__streams.errors.topic': 'app-joined-response-repartition',
    });
    expect(await driver.store('joined').get('k')).toBe('1-a');
    await driver.pipe(records('right', '1=b@4')[0]!);
    expect(await driver.store('joined').get('k')).toBe('1-b');
  });
});

describe('the result is a table', () => {
  test('its rows can be read, and looked up by a stream', async () => {
    const graph = topology('app', t => {
      const joined = t.table('lefts', left).join('joined', t.table('rights', right), foreignKeyOf, pair);
      t.stream(topic('asks', string(), string()))
        .leftJoin('answered', joined, (ask, found) => `${ask}:${found}`)
        .as(string())
        .to(out);
    });
    await using driver = await drive(graph);
    await driver.pipeAll([...records('right', '1=a@1'), ...records('left', 'k=1@2')]);
    await driver.pipeAll(records('asks', 'k=what@3', 'j=what@4'));
    expect(brief(await driver.read('out'))).toEqual(['k=what:1-a@3', 'j=what:null@4']);
    expect(await driver.store('joined').get('k')).toBe('1-a');
    expect(() => driver.store('joined-subscribers')).toThrow(/holds no rows/);
  });

  test('it hands on old rows, so that groups behind it lose what they lost', async () => {
    const graph = topology('app', t => {
      t.table('lefts', left)
        .join('joined', t.table('rights', right), foreignKeyOf, (_, r) => r)
        .as(string())
        .groupBy('by-right', value => value, string())
        .aggregate('counts', { n: count() });
    });
    await using driver = await drive(graph);
    await driver.pipeAll([...records('right', '1=a@1', '2=b@1'), ...records('left', 'x=1@2', 'y=1@3', 'z=2@4')]);
    await driver.pipeAll([...records('left', 'x=2@5'), ...records('right', '2=c@6')]);
    await driver.pipe(records('left', 'y=null@7')[0]!);
    const counts: Record<string, unknown> = {};
    for await (const [key, value] of driver.store<string, { n: number }>('counts').entries()) counts[key] = value.n;
    expect(counts).toEqual({ a: 0, b: 0, c: 2 });
  });

  test('joined twice with the same table it ends right', async () => {
    const graph = topology('app', t => {
      const rights = t.table('rights', right);
      t.table('lefts', left)
        .join('first', rights, foreignKeyOf, (l, r) => `${l}-${r}`)
        .as(string())
        .join('second', rights, foreignKeyOf, (l, r) => `${l}-${r}`);
    });
    await using driver = await drive(graph, { partitions: 2 });
    await driver.pipeAll([...records('right', '1=a@1', '2=b@1'), ...records('left', 'k=1:x@2')]);
    expect(await driver.store('second').get('k')).toBe('1:x-a-a');
    await driver.pipe(records('right', '1=c@3')[0]!);
    expect(await driver.store('second').get('k')).toBe('1:x-c-c');
    await driver.pipe(records('right', '1=null@4')[0]!);
    expect(await driver.store('second').get('k')).toBeNull();
  });

  test('rows of database tables, whose keys and values differ in form', async () => {
    interface Claim { readonly id: string; readonly policy_id: number } // prettier-ignore
    interface Policy { readonly id: number; readonly product: string } // prettier-ignore
    const claims = debezium('db.claims', row<Claim>(), { key: 'id' });
    const policies = debezium('db.policies', row<Policy>(), { key: 'id' });
    const graph = topology('app', t => {
      t.table('claims', claims)
        .join('with-policy', t.table('policies', policies), claim => claim.policy_id, (claim, { product }) => ({ ...claim, product }))
        .as(json())
        .to(topic('joined', string(), json<Claim & { product: string }>()));
    }); // prettier-ignore
    const change = (after: object) => ({ op: 'c', before: null, after, source: { ts_ms: 5, db: 'db', table: 't', snapshot: 'false' } }); // prettier-ignore
    const event = (name: string, after: { readonly id: unknown }) => ({
      topic: name, key: Buffer.from(JSON.stringify({ id: after.id })), value: Buffer.from(JSON.stringify(change(after))), timestamp: 5,
    }); // prettier-ignore
    await using driver = await drive(graph, { partitions: 2 });
    await driver.pipeAll([event('db.claims', { id: 'C-1', policy_id: 7 } as never), event('db.policies', { id: 7, product: 'motor' } as never)]); // prettier-ignore
    expect(await driver.read('joined')).toMatchObject([
      { key: 'C-1', value: { id: 'C-1', policy_id: 7, product: 'motor' } },
    ]);
  });
});

describe('rows of one foreign key', () => {
  test('are all reached, however many come and go', async () => {
    await using driver = await drive(inner);
    const keys = Array.from({ length: 300 }, (_, i) => `k${i}`);
    await driver.pipeAll([
      ...records('right', '1=a@1', '2=b@1'),
      ...keys.flatMap(key => records('left', `${key}=1@2`)),
    ]);
    const at = (i: number) =>
      keys.flatMap((key, n) => (n % 3 === i ? records('left', `${key}=${['1:x', 'null', '2'][i]}@3`) : []));
    await driver.pipeAll([...at(2), ...at(1).reverse(), ...at(0)]);
    await driver.read('out');
    await driver.pipe(records('right', '1=c@4')[0]!);
    expect(brief(await driver.read('out')).sort()).toEqual(at(0).map(({ key }) => `${key as string}=1:x-c@4`).sort()); // prettier-ignore
    await driver.pipe(records('right', '2=d@5')[0]!);
    expect(await driver.read('out')).toHaveLength(100);
  });

  test('an empty key, and an empty foreign key, are keys like others', async () => {
    await using driver = await drive(inner);
    await driver.pipeAll([...records('right', '=a@1'), ...records('left', '=@2', 'k=@3')]);
    expect(brief(await driver.read('out')).sort()).toEqual(['=-a@2', 'k=-a@3']);
    await driver.pipe(records('right', '=b@4')[0]!);
    expect(brief(await driver.read('out')).sort()).toEqual(['=-b@4', 'k=-b@4']);
  });
});

describe('what cannot run is refused', () => {
  const refused = (declare: (t: TopologyBuilder) => void) => expect(() => topology('app', declare));

  test('where nothing says how values of either side are written', () => {
    refused(t => t.table('l', left).map(value => ({ value })).join('joined', t.table('r', right), l => l.value, () => 1)).toThrow(
      /'joined' keeps values of 'map', and nothing says how they are written.*\.as\(serde\)\.join\('joined'/,
    ); // prettier-ignore
    refused(t => t.table('l', left).join('joined', t.table('r', right).map(value => [value]), l => l, () => 1)).toThrow(
      /'joined' keeps values of 'map'.*\.as\(serde\) behind it/,
    ); // prettier-ignore
  });

  test('where a topic or store of the join would have the name of another step', () => {
    for (const taken of ['joined-foreign-key', 'joined-subscription', 'joined-subscribers', 'joined-response'])
      refused(t => {
        const rights = t.table('r', right);
        t.table(taken, left).join('joined', rights, foreignKeyOf, pair);
      }).toThrow(new RegExp(`'${taken}' names both a table .* and a join`));
  });
});

// Prisma's own schema engine, for development and tests: the WASM build, because the native one is not on npm.
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { PrismaPg } from '@prisma/adapter-pg';
import {
  bindMigrationAwareSqlAdapterFactory,
  ColumnTypeEnum,
  type SqlDriverAdapter,
  type SqlMigrationAwareDriverAdapterFactory,
} from '@prisma/driver-adapter-utils';
import * as bindings from '@prisma/schema-engine-wasm/schema_engine_bg';
import pg from 'pg';
import { migrationsFolder, readMigrations } from '../migrate.ts';

export interface SchemaEngine {
  /** SQL that leads from what the migrations make to what the schema says; null where they agree. Wipes the database. */
  missingMigration(): Promise<string | null>;
  /** What `prisma migrate deploy` does; the names of the migrations that it applied. */
  deploy(): Promise<string[]>;
  /** What `prisma migrate status` sees; `history` is null where database and folder are in step. */
  status(): Promise<{ edited: string[]; failed: string[]; history: object | null }>;
}

export interface SchemaEngineOptions {
  /** Of a database that is there for this. */
  connection: pg.PoolConfig;
  /** Default: the schema and the migrations of this repository. */
  prismaFolder?: string;
}

const noFilters = { externalTables: [], externalEnums: [] };

export async function withSchemaEngine<T>(
  { connection, prismaFolder = dirname(migrationsFolder) }: SchemaEngineOptions,
  action: (engine: SchemaEngine) => Promise<T>,
): Promise<T> {
  const pool = new CatalogPool(connection);
  try {
    return await action(await createEngine(pool, prismaFolder));
  } finally {
    await pool.end();
  }
}

async function createEngine(pool: CatalogPool, prismaFolder: string): Promise<SchemaEngine> {
  await (loading ??= loadWasm());
  const path = join(prismaFolder, 'schema.prisma');
  const schema = { path, content: await readFile(path, 'utf8') };
  const migrationsList = await migrationListOf(join(prismaFolder, 'migrations'));
  const engine = await bindings.SchemaEngine.new(
    { datamodels: [[schema.path, schema.content]] },
    () => undefined,
    bindMigrationAwareSqlAdapterFactory(adapterFactory(pool)),
  );

  return {
    async missingMigration() {
      const { stdout } = await engine.diff({
        from: { tag: 'migrations', ...migrationsList },
        to: { tag: 'schemaDatamodel', files: [schema] },
        script: true,
        exitCode: null,
        filters: noFilters,
      });
      return stdout && !stdout.startsWith('-- This is an empty migration') ? stdout : null;
    },
    async deploy() {
      const { appliedMigrationNames } = await engine.applyMigrations({ migrationsList, filters: noFilters });
      return appliedMigrationNames;
    },
    async status() {
      const { editedMigrationNames, failedMigrationNames, history } = await engine.diagnoseMigrationHistory({
        migrationsList,
        optInToShadowDatabase: false,
        filters: noFilters,
      });
      return { edited: editedMigrationNames, failed: failedMigrationNames, history };
    },
  };
}

/** Node has it; of its types, only those for browsers say so. */
declare const WebAssembly: {
  instantiate(
    bytes: Uint8Array,
    imports: object,
  ): Promise<{ instance: { exports: { __wbindgen_start(): void } } }>;
};

/** Once per process: the bindings keep views of the first instance's memory. */
let loading: Promise<void> | null = null;

async function loadWasm(): Promise<void> {
  Object.assign(globalThis, {
    PRISMA_WASM_PANIC_REGISTRY: { set_message: (text: string) => console.error(text) },
  });
  const folder = dirname(createRequire(import.meta.url).resolve('@prisma/schema-engine-wasm'));
  const { instance } = await WebAssembly.instantiate(await readFile(join(folder, 'schema_engine_bg.wasm')), {
    './schema_engine_bg.js': { ...bindings },
  });
  bindings.__wbg_set_wasm(instance.exports);
  instance.exports.__wbindgen_start();
}

async function migrationListOf(baseDir: string) {
  const migrations = await readMigrations(baseDir);
  const lockfile = 'migration_lock.toml';
  return {
    baseDir,
    lockfile: { path: lockfile, content: await readFile(join(baseDir, lockfile), 'utf8') },
    shadowDbInitScript: '',
    migrationDirectories: migrations.map(({ name, sql }) => ({
      path: name,
      migrationFile: { path: 'migration.sql', content: { tag: 'ok' as const, value: sql } },
    })),
  };
}

/** One database serves as the shadow too: whoever opens this engine has given it a database of its own. */
function adapterFactory(pool: CatalogPool): SqlMigrationAwareDriverAdapterFactory {
  const factory = new PrismaPg(pool);
  const connect = async (): Promise<SqlDriverAdapter> => {
    const adapter = await factory.connect();
    const queryRaw = adapter.queryRaw.bind(adapter);
    adapter.queryRaw = async (query) => {
      const result = await queryRaw(query);
      for (const column of pool.charColumns.get(result.rows) ?? [])
        result.columnTypes[column] = ColumnTypeEnum.Character;
      return result;
    };
    // The adapter's own cuts a script at every semicolon, those inside functions and strings too.
    adapter.executeScript = async (script) => {
      const client = await pool.connect();
      await client.query(script).finally(() => client.release());
    };
    return adapter;
  };
  return {
    provider: factory.provider,
    adapterName: factory.adapterName,
    connect,
    connectToShadowDb: connect,
  };
}

/**
 * The engine reads PostgreSQL's catalog, which uses a type "char" that the driver adapter refuses. Here it is shown to
 * the adapter as text, and remembered for the engine, which insists on the difference.
 */
class CatalogPool extends pg.Pool {
  /** The columns of that type, by the rows of their result. */
  readonly charColumns = new WeakMap<unknown[][], number[]>();

  constructor(config: pg.PoolConfig) {
    super(config);
    const oid = { char: 18, text: 25 };
    const query = async (config: pg.QueryArrayConfig): Promise<pg.QueryArrayResult> => {
      const result = await super.query(config);
      const columns = result.fields.flatMap((field, index) => (field.dataTypeID === oid.char ? [index] : []));
      this.charColumns.set(result.rows, columns);
      return {
        ...result,
        fields: result.fields.map((field) => ({
          ...field,
          dataTypeID: field.dataTypeID === oid.char ? oid.text : field.dataTypeID,
        })),
      };
    };
    Object.defineProperty(this, 'query', { value: query });
  }
}

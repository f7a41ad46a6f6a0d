// The starter catalog: the protocol's own reference servers, laid out at every start under reserved ids.

export const starterCatalog = [
  {
    id: 'everything',
    name: 'Everything',
    description:
      'Reference server that exercises every feature of the protocol: tools, resources, prompts, progress.',
    launch: [{ method: 'npx', identifier: '@modelcontextprotocol/server-everything' }],
  },
  {
    id: 'filesystem',
    name: 'Filesystem',
    description: 'Reads, writes and searches files, only inside the directories that it is given.',
    launch: [
      {
        method: 'npx',
        identifier: '@modelcontextprotocol/server-filesystem',
        package_args: ['{directory}'],
        inputs: [
          {
            name: 'directory',
            description: 'A directory that the server may use; several may be given.',
            kind: 'directory',
            required: true,
            repeatable: true,
          },
        ],
      },
    ],
  },
  {
    id: 'memory',
    name: 'Memory',
    description: 'Remembers entities, relations and observations in a knowledge graph.',
    launch: [
      {
        method: 'npx',
        identifier: '@modelcontextprotocol/server-memory',
        env: [
          {
            name: 'MEMORY_FILE_PATH',
            default: '/tmp/memory.jsonl',
            description:
              'Where the graph is kept. The default lies in the private /tmp of the server and ends with it.',
          },
        ],
      },
    ],
  },
  {
    id: 'sequential-thinking',
    name: 'Sequential Thinking',
    description: 'Helps a model to think in steps that it can revise and branch.',
    launch: [{ method: 'npx', identifier: '@modelcontextprotocol/server-sequential-thinking' }],
  },
] as const;

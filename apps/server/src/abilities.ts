// What this process can do now, asked of the parts themselves.
import type { Abilities, LanguageModel, Runtime } from '@insightloop/core';

export function createAbilities(
  runtimes: readonly Runtime[],
  languageModel: Pick<LanguageModel, 'configured'>,
): Abilities {
  const byMethod = new Map<string, Runtime>(runtimes.map((runtime) => [runtime.method, runtime]));
  return {
    discovery: true,
    orchestration: languageModel.configured,
    async deployment(method) {
      const availability = await byMethod.get(method)?.available();
      if (!availability) return { available: false, reason: 'It is not set up in this version.' };
      return availability.ok
        ? { available: true, reason: availability.detail ?? null }
        : { available: false, reason: availability.reason };
    },
  };
}

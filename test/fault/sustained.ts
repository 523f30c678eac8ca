export const runSustained = async (..._: unknown[]): Promise<readonly string[]> => []

export const nodeSettings: Readonly<Record<string, string>>

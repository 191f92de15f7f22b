// Lists that people type or paste.

/** Texts that stand in lines, or with commas or blanks between them, each once, in their order. */
export const splitTexts = (text: string): string[] => [...new Set(text.split(/[\s,;]+/).filter(Boolean))];

/** What people write in Chinese whatever the language of the screen: answers, dates, units. Read, never said. */

export const YES = new Set("是 有 1 Y y √ 对 true True TRUE 参加 已 s S yes Yes YES".split(" "));
export const NO = new Set("否 无 0 N n × 没有 不 false False FALSE 未参加 未 f F no No NO".split(" "));
export const DATE = /^(?:(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?(?:[ T]0{1,2}:00(?::00)?)?|(\d{4})(\d{2})(\d{2}))$/;
export const MONTH = /^(?:(\d{4})[-/.年](\d{1,2})月?|(\d{4})(\d{2}))$/;
export const YEAR = /^(?:19|20)\d\d年?$/;
export const YEAR_SUFFIX = "年";
export const AMOUNT_SUFFIXES = ["元", "亩"] as const;
/** Between several entries of a list. */
export const SEPARATORS = /[,，、;；|/]/;
/** Around the numbers of a sum: blanks, thousands, the sign of equality, the unit. */
export const ROUND_SUMS = /[\s,，=＝元]/g;
/** Full-width digits, as some input methods give them. */
export const WIDE_DIGITS = /[０-９]/g;
/** A day or a month with its parts apart, whatever stands between them. */
export const DAY_OR_MONTH = /^(\d{4})[-/.年](\d{1,2})(?:[-/.月](\d{1,2})日?|月?)$/;
/** Between several words in one cell of a table. */
export const BETWEEN_WORDS = /[、，,;；]/;
export const WORDS_JOINED_BY = "、";
/** In the head of a table: brackets with units in them, and signs that say nothing. */
export const BRACKETS = /[（(【[].*?[）)】\]]/g;
export const HEAD_SIGNS = /[\s*＊:：、，,。.\-_/]/g;
export const SUM_ROW = /^(合计|总计|小计|累计|共计)/;
export const NUMBER_HEADS = ["序号", "编号", "行号", "no"];

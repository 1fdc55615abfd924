/** The named patterns of `matches`; twin of fangfanpin/expressions/patterns.py. No `\d`, no `$`: flavours differ. */

const PHONE = /^1[3-9][0-9]{9}$/;
const LANDLINE = /^0[0-9]{2,3}-?[0-9]{7,8}$/;
const HAN =
  /^[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u{20000}-\u{3ffff}][\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u{20000}-\u{3ffff}\u00b7]{0,18}[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u{20000}-\u{3ffff}]$/u;
const DIGITS = /^[0-9]+$/;
const DUMMY_PHONE = /^(?:([0-9])\1{10}|12345678901|[0-9]{3}([0-9])\2{7})$/;
const PLACEHOLDER = /未取名|无名|之子|之女|测试/;

function sameCharacter(text: string): boolean {
  const characters = [...text];
  const first = characters[0];
  return first !== undefined && characters.every((character) => character === first);
}

export const PATTERNS: Readonly<Record<string, (text: string) => boolean>> = {
  mobile_cn: (text) => PHONE.test(text),
  phone_cn: (text) => PHONE.test(text) || LANDLINE.test(text),
  name_cn: (text) => HAN.test(text),
  digits: (text) => DIGITS.test(text),
  same_digits: sameCharacter,
  dummy_phone: (text) => DUMMY_PHONE.test(text),
  placeholder_name: (text) => PLACEHOLDER.test(text),
};

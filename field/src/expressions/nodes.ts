/** Expression nodes as fangfanpin/expressions/json_form.py writes them (docs/rule-language.md). */

export type NodeType =
  | { kind: "bool" | "int" | "text" | "date" | "month" | "null" }
  | { kind: "number"; unit: string; scale: number }
  | { kind: "code" | "codes"; list: string };

interface Base {
  type: NodeType;
}
export type Held = null | boolean | number | string | readonly string[];
export type Literal = Base & { op: "lit"; value: Held };
export type Const = Base & { op: "const"; name: string };
export type Column = Base & { op: "col"; scope: "row" | "last" | "household" | "household.last" | "spell" | "own"; name: string };
export type Unary = Base & { op: "not" | "neg" | "is_null"; arg: ExpressionNode };
export type Logic = Base & { op: "and" | "or"; args: ExpressionNode[] };
export type Compare = Base & {
  op: "eq" | "ne" | "lt" | "le" | "gt" | "ge";
  left: ExpressionNode;
  right: ExpressionNode;
  scale_left: number;
  scale_right: number;
};
export type Arithmetic = Base & {
  op: "add" | "sub" | "mul";
  left: ExpressionNode;
  right: ExpressionNode;
  scale_left: number;
  scale_right: number;
};
export type In = Base & { op: "in"; arg: ExpressionNode; values: (string | number | boolean)[] };
export type Call = Base & { op: "call"; fn: string; args: ExpressionNode[]; extra: string };
export type Aggregate = Base & {
  op: "agg";
  fn: "count" | "any" | "all" | "sum" | "distinct" | "min" | "max" | "the";
  relation: string;
  value: ExpressionNode | null;
  where: ExpressionNode | null;
};
export type SetCall = Base & { op: "set"; fn: string; args: ExpressionNode[]; where: ExpressionNode | null };
export type ExpressionNode = Literal | Const | Column | Unary | Logic | Compare | Arithmetic | In | Call | Aggregate | SetCall;

type Row = Readonly<Record<string, unknown>>;

/** What a node is evaluated in (docs/rule-language.md, "Evaluation environment"). */
export interface Scope {
  row: Row;
  last?: Row | null;
  household: HouseholdScope;
  consts: Readonly<Record<string, unknown>>;
  /** Of a relation's row: the row that asks. */
  own?: Row;
}
export interface HouseholdScope {
  row: Row;
  last?: Row | null;
  spell?: { row: Row } | null;
  relations?: Readonly<Record<string, readonly Scope[]>>;
}

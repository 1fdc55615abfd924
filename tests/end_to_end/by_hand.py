"""A page made by hand for one register, against which the pages made from the pack are counted: its items in the paper's order, native controls,
nothing above the first and nothing between them, the cursor in the first. What a good programmer would write who had only this one to make."""

from html import escape

from fangfanpin.pack import Form, Indicator, Pack

_NOT_TYPED = ("image", "signature", "point")
_STYLE = """
body { margin: 0; background: #f4f6f8; font: 15px/1.5 'Noto Sans CJK SC', sans-serif; color: #1f2730; }
main { max-width: 60rem; margin: 1rem auto; padding: 1rem 1.5rem; background: #fff; border: 1px solid #d5dbe1; }
h1 { margin: 0 0 1rem; font-size: 1.25rem; }
label { display: grid; grid-template-columns: 12rem 22rem auto; gap: 0.75rem; align-items: center; margin-bottom: 0.375rem; }
input:not([type=checkbox]), select { padding: 0.25rem 0.5rem; font: inherit; border: 1px solid #97a3af; border-radius: 3px; }
input[type=checkbox] { justify-self: start; width: 1.25rem; height: 1.25rem; }
:focus { outline: 2px solid #1d5b99; }
button { margin-top: 0.5rem; padding: 0.375rem 1.25rem; font: inherit; color: #fff; background: #1d5b99; border: 0; border-radius: 3px; }
"""
# The items of a class, and a form that is kept in the page.
_SCRIPT = """
for (const below of document.querySelectorAll('select[data-above]')) {
  const all = [...below.options], above = document.getElementById(below.dataset.above);
  const narrow = () => below.replaceChildren(...all.filter(one => !one.value || !above.value || one.value.startsWith(above.value)));
  above.addEventListener('change', narrow);
  narrow();
}
document.forms[0].addEventListener('submit', event => { event.preventDefault(); document.body.dataset.saved = '1'; });
"""


def items_of(form: Form) -> list[Indicator]:
    return [item for item in form.indicators if not item.retired and item.home == "record" and item.type not in _NOT_TYPED]


def page_of(form: Form, pack: Pack, above: dict[str, str]) -> str:
    """The whole page. `above`: {item: the item whose word narrows its list}."""
    lines = "".join(_line(item, pack, above, is_first=number == 0) for number, item in enumerate(items_of(form)))
    return (
        f'<!doctype html><meta charset="utf-8"><title>{escape(form.title)}</title><style>{_STYLE}</style>'
        f"<main><h1>{escape(form.title)}</h1><form>{lines}<button>保存</button></form></main><script>{_SCRIPT}</script>"
    )


def _line(item: Indicator, pack: Pack, above: dict[str, str], *, is_first: bool) -> str:
    given = f'id="{item.name}"{" autofocus" if is_first else ""}'
    if item.type == "bool":
        control = f'<input type="checkbox" {given}>'
    elif item.type == "code" and not item.multi:
        options = "".join(f'<option value="{escape(one.code)}">{escape(one.zh)}</option>' for one in pack.lists[item.list])
        narrowed = f' data-above="{above[item.name]}"' if item.name in above else ""
        control = f"<select {given}{narrowed}><option></option>{options}</select>"
    else:
        control = f'<input autocomplete="off" {given}>'
    return f"<label><span>{escape(item.zh)}</span>{control}<span>{escape(item.unit_beside)}</span></label>"

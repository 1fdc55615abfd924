"""Which of its two languages the product answers in."""

from django.utils.translation import get_language


def speaks_english() -> bool:
    """Is whoever is being answered reading English? Everybody else reads Chinese."""
    return (get_language() or "").startswith("en")

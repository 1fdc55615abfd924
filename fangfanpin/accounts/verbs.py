"""What may be done: the closed list of verbs that roles of a pack are made of."""

from enum import StrEnum


class Verb(StrEnum):
    HOUSEHOLD_VIEW = "household.view"
    HOUSEHOLD_EDIT = "household.edit"
    RECORD_ENTER = "record.enter"
    RECORD_REVIEW = "record.review"
    RECORD_APPROVE = "record.approve"
    RECORD_UNLOCK = "record.unlock"
    SECRET_REVEAL = "secret.reveal"
    SENSITIVE_VIEW = "sensitive.view"
    EXPORT_MAKE = "export.make"
    IMPORT_ROSTER = "import.roster"
    SHEET_PRINT = "sheet.print"
    CLUE_ANSWER = "clue.answer"
    CLUE_REVIEW = "clue.review"
    CLUE_SAMPLE = "clue.sample"
    TRANSFER_TICK = "transfer.tick"
    QUESTION_ANSWER = "question.answer"
    CAMPAIGN_VIEW = "campaign.view"
    CAMPAIGN_MANAGE = "campaign.manage"
    ACCOUNT_MANAGE = "account.manage"
    AUDIT_VIEW = "audit.view"
    RULE_MANAGE = "rule.manage"
    SYSTEM_ADMIN = "system.admin"

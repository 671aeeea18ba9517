"""Codes of what is kept: LOG the audit log and what is made again from it, BAK backups."""

from trading_bot.errors.codes import CRITICAL, DELAY, FIX, HIGH, LOW, MEDIUM, code

KEEPING_CODES = (
    code(
        "LOG_001", "LogError", "A damaged end of a log was set aside", LOW, FIX,
        meaning="A crash or a full disk left bytes at the end of a log file that are no record; they were moved into `<file>.torn`.",
        impact="Nothing is lost: what the store had committed is written to the log again.",
        remediation="Run `botgraph audit verify`. If it is well, the .torn file may be deleted; if this repeats, check the disk.",
    ),
    code(
        "LOG_002", "LogError", "The audit log is not as it was written", CRITICAL, FIX,
        meaning="A line or file of the audit log was changed, moved or taken out, or its disk is damaged.",
        impact="What stands behind that line can't be trusted; nothing is made from it. The bot trades on.",
        remediation="Find out who changed the file and line in context. Put the file back from a backup (`botgraph backup verify`), and verify again.",
    ),
    code(
        "LOG_003", "StoreError", "The store is behind its audit log", HIGH, FIX,
        meaning="The log holds records that the store has never written: the store was put back from an older copy.",
        impact="What the store has forgotten is settled with the venue; new records get numbers that the log does not have.",
        remediation="Run `botgraph reconcile`. To have the log's orders and trades back, `botgraph store rebuild --into` another store.",
    ),
    code(
        "LOG_004", "StoreError", "The store is not empty", LOW, FIX,
        meaning="A store is made again from the log only where there is none.",
        impact="Nothing was changed.",
        remediation="Name an empty store with --into, or move the present one away first.",
    ),
    code(
        "LOG_005", "LogError", "The logs could not be tidied", MEDIUM, DELAY,
        meaning="Compressing or moving old log files failed.",
        impact="The logs take more room than they should; nothing is lost, and it is tried again the next day.",
        remediation="Free disk space, check the permissions of the logs folder, and read the cause.",
    ),
    code(
        "BAK_001", "BackupError", "The backup could not be made", HIGH, DELAY,
        meaning="Copying the store, the ledger, the logs or the configuration failed.",
        impact="There is no new backup; older ones are untouched and the bot trades on.",
        remediation="Free disk space, check the permissions of the backups folder, then run `botgraph backup create`.",
    ),
    code(
        "BAK_002", "BackupError", "The backup is not whole", HIGH, FIX,
        meaning="A file of the backup is missing, foreign or differs from its manifest, or the manifest can't be read.",
        impact="It is not restored; nothing was changed.",
        remediation="Take another backup: `botgraph backup verify` without a name looks at all of them.",
    ),
    code(
        "BAK_003", "BackupError", "The backup can't be restored here", MEDIUM, FIX,
        meaning="The home or store is in use or holds something already, or the backup is of another kind of store.",
        impact="Nothing was changed.",
        remediation="Stop the bot and the API first. To put the backup in the place of what is there, add --replace: the old home is kept beside it.",
    ),
)  # fmt: skip

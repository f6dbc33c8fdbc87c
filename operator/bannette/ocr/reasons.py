"""Every reason that a reading ends with, for people at data entry: what it means, and what to do."""

from __future__ import annotations

from typing import Final

#: Reason to its meaning and what helps; the outcomes that it comes with are in ``reading.Outcome``.
REASONS: Final = {
    "Corrupt": ("The file is damaged, or isn't what it begins like.", "Ask the client for it again."),
    "Crashed": ("Reading it ended the program that read it.", "Raise `memoryMiB` and read it again, or report it."),
    "Disabled": ("The channel doesn't read documents.", "`spec.ocr.enabled: true`, then `bannette reprocess`."),
    "Downscaled": ("A page is so large that it was read at a lower resolution.", ""),
    "Empty": ("There is nothing in it.", ""),
    "Encrypted": ("It opens with a password.", "Add it to the Secret of `passwordsSecret`, then `bannette reprocess`."),
    "EngineFailed": ("The OCR engine gave up on it.", "Report it; the original is there."),
    "LanguageNotInstalled": ("The engine lacks a language of the channel.", "Install it, then `bannette reprocess`."),
    "NoText": ("There is nothing to read, or nothing that could be.", "Look at the thumbnail."),
    "NotRewritable": ("Its text was read from drawings of its pages; there is no searchable PDF.", ""),
    "OutOfMemory": ("Reading it takes more than `memoryMiB`.", "Raise the limit, then `bannette reprocess`."),
    "PagesMissing": ("Some of its pages can't be loaded, or the OCR engine gave up on them.", "Look at the original."),
    "PartsMissing": (
        "Some of what is inside is too much, too large, too deep, damaged, encrypted, or attached to a PDF.",
        "Open it by hand.",
    ),
    "Signed": ("It is signed: it was left as it is.", ""),
    "TextCut": ("It has more text than anybody reads; the rest was left out.", "Look at the original."),
    "TimedOut": ("Reading it takes longer than `seconds`.", "Raise the limit, then `bannette reprocess`."),
    "TooLarge": ("It, or a page or part of it, is beyond `megabytes` or `megapixels`.", "Raise the limit."),
    "TooManyPages": ("It has more pages to recognise than `pages`.", "Raise the limit."),
    "UnknownEncryption": ("It is encrypted in a way that isn't supported.", "Ask for it without encryption."),
    "UnsupportedType": ("Files of this type aren't read.", ""),
    "XfaForm": ("A form that only Adobe's reader shows; its pages hold a placeholder.", "Ask for a printout as PDF."),
}

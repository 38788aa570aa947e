"""Media types: the formats, the extensions that mean them, and the modules that read them."""

from __future__ import annotations

PDF = "application/pdf"
_OOXML = "application/vnd.openxmlformats-officedocument."
DOCX = _OOXML + "wordprocessingml.document"
PPTX = _OOXML + "presentationml.presentation"
XLSX = _OOXML + "spreadsheetml.sheet"
XLS = "application/vnd.ms-excel"
ODT = "application/vnd.oasis.opendocument.text"
ODS = "application/vnd.oasis.opendocument.spreadsheet"
ODP = "application/vnd.oasis.opendocument.presentation"
RTF = "application/rtf"
EPUB = "application/epub+zip"
EML = "message/rfc822"
MBOX = "application/mbox"
MSG = "application/vnd.ms-outlook"
HTML = "text/html"
XML = "text/xml"
NOTEBOOK = "application/x-ipynb+json"
MARKDOWN = "text/markdown"
RST = "text/x-rst"
TEX = "text/x-tex"
ASCIIDOC = "text/asciidoc"
ORG = "text/x-org"
PYTHON = "text/x-python"
PLAIN = "text/plain"
CSV = "text/csv"
TSV = "text/tab-separated-values"
JSON = "application/json"
JSONL = "application/x-ndjson"
ZIP = "application/zip"
TAR = "application/x-tar"
GZIP, BZIP2, XZ = "application/gzip", "application/x-bzip2", "application/x-xz"
PNG, JPEG, TIFF, WEBP = "image/png", "image/jpeg", "image/tiff", "image/webp"
IMAGES = frozenset((PNG, JPEG, TIFF, WEBP))

_CODE = (
    "bash bat c cc cfg clj cmake conf cpp cs css cxx dart env erl ex fs go gradle graphql groovy h "
    "hh hpp hs ini java jl js jsx kt kts less lua m mjs cjs mm nim patch diff php pl pm ps1 "
    "properties proto r rb rs sass scala scss sh sol sql svelte swift tf toml ts tsx v vb vhdl vue "
    "xsd xsl xslt yaml yml zig zsh"
).split()
BY_EXTENSION: dict[str, str] = {
    **{f".{name}": f"text/x-{name}" for name in _CODE},
    ".pdf": PDF,
    **dict.fromkeys((".docx", ".docm", ".dotx"), DOCX),
    **dict.fromkeys((".pptx", ".pptm", ".ppsx"), PPTX),
    **dict.fromkeys((".xlsx", ".xlsm", ".xltx"), XLSX),
    **dict.fromkeys((".xls", ".xlt"), XLS),
    **dict.fromkeys((".odt", ".ott"), ODT),
    **dict.fromkeys((".ods", ".ots"), ODS),
    **dict.fromkeys((".odp", ".otp"), ODP),
    ".epub": EPUB,
    ".rtf": RTF,
    **dict.fromkeys((".html", ".htm", ".xhtml"), HTML),
    **dict.fromkeys((".md", ".markdown", ".mdx"), MARKDOWN),
    **dict.fromkeys((".rst",), RST),
    **dict.fromkeys((".tex", ".latex"), TEX),
    **dict.fromkeys((".adoc", ".asciidoc"), ASCIIDOC),
    ".org": ORG,
    **dict.fromkeys((".py", ".pyi"), PYTHON),
    **dict.fromkeys((".txt", ".text", ".log"), PLAIN),
    ".csv": CSV,
    **dict.fromkeys((".tsv", ".tab"), TSV),
    ".json": JSON,
    **dict.fromkeys((".jsonl", ".ndjson"), JSONL),
    ".css": "text/css",
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    **dict.fromkeys((".xml", ".rss", ".atom", ".svg"), XML),
    ".ipynb": NOTEBOOK,
    ".png": PNG,
    **dict.fromkeys((".jpg", ".jpeg", ".jpe"), JPEG),
    **dict.fromkeys((".tif", ".tiff"), TIFF),
    ".webp": WEBP,
    **dict.fromkeys((".eml", ".mht", ".mhtml"), EML),
    **dict.fromkeys((".mbox", ".mbx"), MBOX),
    ".msg": MSG,
    ".zip": ZIP,
    ".tar": TAR,
    **dict.fromkeys((".gz", ".tgz"), GZIP),
    **dict.fromkeys((".bz2", ".tbz", ".tbz2"), BZIP2),
    **dict.fromkeys((".xz", ".txz"), XZ),
}
"""Lower-case extension with its dot -> media type."""

MODULES: dict[str, str] = {
    PDF: "pdf.document",
    DOCX: "office.word",
    PPTX: "office.slides",
    XLSX: "office.sheets",
    XLS: "office.legacy_sheets",
    ODT: "office.opendocument",
    ODP: "office.opendocument",
    ODS: "office.opendocument_sheets",
    EPUB: "office.epub",
    RTF: "office.rtf",
    CSV: "office.sheets",
    TSV: "office.sheets",
    HTML: "web.html",
    JSON: "text.json_lines",
    NOTEBOOK: "text.notebook",
    JSONL: "text.json_lines",
    **dict.fromkeys(IMAGES, "ocr.images"),
    XML: "web.xml",
    EML: "mail.eml",
    MBOX: "mail.mbox",
    MSG: "mail.msg",
    ZIP: "containers.zip",
    TAR: "containers.tar",
    GZIP: "containers.compressed",
    BZIP2: "containers.compressed",
    XZ: "containers.compressed",
}
"""Media type -> module of this package that reads it; `text` reads what is text and not here."""

NEEDS_MODULE: dict[str, str] = {
    ODT: "an OpenDocument text",
    ODS: "an OpenDocument spreadsheet",
    ODP: "an OpenDocument presentation",
    RTF: "RTF",
    EPUB: "an EPUB book",
    PNG: "a PNG image",
    JPEG: "a JPEG image",
    TIFF: "a TIFF image",
    WEBP: "a WebP image",
}
"""Media types that are no text, and what to call them where no module reads them."""

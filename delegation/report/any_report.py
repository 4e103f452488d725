"""Every kind of report that the forms know, for ``page`` and ``sheet`` to tell them apart."""

from delegation.report.contents import DirectoryReport, RunReport
from delegation.report.host_settings import SettingsRunReport
from delegation.report.migration import MigrationRunReport

AnyReport = DirectoryReport | RunReport | SettingsRunReport | MigrationRunReport

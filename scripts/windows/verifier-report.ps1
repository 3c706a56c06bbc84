# NOT RUN ON WINDOWS YET: written from the documentation, parsed, never executed.
<#
.SYNOPSIS
Shows what Driver Verifier and KMDF Verifier watch, what they counted, and recent bug checks.

.DESCRIPTION
The exit code is 1 if there were bug checks in that time, of whatever driver.

.PARAMETER Days
How far to look back for bug checks.
#>
[CmdletBinding(SupportsShouldProcess)]
param(
    [ValidateRange(1, 365)] [int] $Days = 7
)
. "$PSScriptRoot\common.ps1"
Assert-Elevated -ToRead

Write-Host '== Driver Verifier: settings'
# 1: there are none; 2: those set take effect after a restart.
$null = Invoke-Tool verifier @('/querysettings') -Allowed 0, 1, 2
Write-Host '== Driver Verifier: counts'
$null = Invoke-Tool verifier @('/query') -Allowed 0, 1, 2

Write-Host '== KMDF Verifier'
if (Test-Path $WdfParameters) {
    Get-ItemProperty $WdfParameters | Format-List -Property 'VerifierOn', 'VerboseOn', 'TrackHandles' | Out-Host
} else {
    Write-Host 'off'
}

Write-Host "== Bug checks of the last $Days days"
$filter = @{
    LogName      = 'System'
    ProviderName = 'Microsoft-Windows-WER-SystemErrorReporting'
    Id           = 1001
    StartTime    = (Get-Date).AddDays(-$Days)
}
$found = @(Get-WinEvent -FilterHashtable $filter -ErrorAction SilentlyContinue)
if (-not $found) {
    Write-Host 'none'
    return
}
$found | Format-List -Property 'TimeCreated', 'Message' | Out-Host
Write-Host 'The dumps are in C:\Windows\Minidump and C:\Windows\MEMORY.DMP: WinDbg, then !analyze -v and !wdfkd.wdflogdump edu_kmdf.'
exit 1

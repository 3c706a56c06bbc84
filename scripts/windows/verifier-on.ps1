# NOT RUN ON WINDOWS YET: written from the documentation, parsed, never executed.
<#
.SYNOPSIS
Turns on Driver Verifier (standard settings) and KMDF Verifier for the driver. A restart follows.

.DESCRIPTION
Watched is the framework, too, as Microsoft recommends for a KMDF driver: what it does, it does in the
driver's name. Driver Verifier's settings are one for the whole machine: these replace others. A
violation is a bug check; verifier-report.ps1 shows them after the restart. verifier-off.ps1 undoes it. If Windows does
not start any more: safe mode, then `verifier /reset`.
#>
[CmdletBinding(SupportsShouldProcess)]
param()
. "$PSScriptRoot\common.ps1"
Assert-Elevated

if (-not $WhatIfPreference -and -not (Test-Path "HKLM:\SYSTEM\CurrentControlSet\Services\$ServiceName")) {
    throw "The driver is not installed: run install.ps1 first."
}
if ($PSCmdlet.ShouldProcess("$ServiceName.sys, wdf01000.sys", 'verifier /standard')) {
    # 2: done, effective after a restart.
    $null = Invoke-Tool verifier @('/standard', '/driver', "$ServiceName.sys", 'wdf01000.sys') -Allowed 0, 2
}
if ($PSCmdlet.ShouldProcess($WdfParameters, 'VerifierOn, VerboseOn, TrackHandles')) {
    if (-not (Test-Path $WdfParameters)) { $null = New-Item -Force $WdfParameters }
    $null = New-ItemProperty -Force -Path $WdfParameters -Name VerifierOn -PropertyType DWord -Value 1
    $null = New-ItemProperty -Force -Path $WdfParameters -Name VerboseOn -PropertyType DWord -Value 1
    $null = New-ItemProperty -Force -Path $WdfParameters -Name TrackHandles -PropertyType MultiString -Value @('*')
    Write-Host 'Restart Windows, use the device (eductl stress), then run verifier-report.ps1.'
}

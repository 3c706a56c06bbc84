# NOT RUN ON WINDOWS YET: written from the documentation, parsed, never executed.
<#
.SYNOPSIS
Turns off Driver Verifier, for all drivers, and KMDF Verifier for this one. A restart follows.
#>
[CmdletBinding(SupportsShouldProcess)]
param()
. "$PSScriptRoot\common.ps1"
Assert-Elevated

if ($PSCmdlet.ShouldProcess('all drivers', 'verifier /reset')) {
    # 2: done, effective after a restart.
    $null = Invoke-Tool verifier @('/reset') -Allowed 0, 2
}
if ((Test-Path $WdfParameters) -and
    $PSCmdlet.ShouldProcess($WdfParameters, 'remove VerifierOn, VerboseOn, TrackHandles')) {
    foreach ($name in 'VerifierOn', 'VerboseOn', 'TrackHandles') {
        Remove-ItemProperty -Path $WdfParameters -Name $name -ErrorAction SilentlyContinue
    }
}
if (-not $WhatIfPreference) { Write-Host 'Restart Windows.' }

# NOT RUN ON WINDOWS YET: written from the documentation, parsed, never executed.
<#
.SYNOPSIS
Removes the driver from its devices and from the driver store.

.PARAMETER Certificate
Also stop trusting the test certificates that install.ps1 may have trusted, and delete those of this
user with their keys: what was signed with them then loads nowhere where this was run.
#>
[CmdletBinding(SupportsShouldProcess)]
param(
    [switch] $Certificate
)
. "$PSScriptRoot\common.ps1"
# The driver store is closed to others.
Assert-Elevated -ToRead

$packages = @(Get-InstalledPackage)
if (-not $packages) { Write-Host 'The driver is not installed.' }
elseif ($PSCmdlet.ShouldProcess($packages -join ', ', 'pnputil /delete-driver /uninstall')) {
    Remove-InstalledPackage
}

if ($Certificate) {
    $stores = 'LocalMachine\Root', 'LocalMachine\TrustedPublisher', 'CurrentUser\My', 'CurrentUser\WDRTestCertStore'
    foreach ($store in $stores | Where-Object { Test-Path "Cert:\$_" }) {
        Get-ChildItem "Cert:\$store" |
            Where-Object { $TestCertificates -contains $_.Subject } |
            ForEach-Object {
                if ($PSCmdlet.ShouldProcess("Cert:\$store", "remove $($_.Subject)")) {
                    if ($_.HasPrivateKey) { Remove-Item $_.PSPath -DeleteKey } else { Remove-Item $_.PSPath }
                }
            }
    }
}

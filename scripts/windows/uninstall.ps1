# NOT RUN ON WINDOWS YET: written from the documentation, parsed, never executed.
<#
.SYNOPSIS
Removes the driver from its devices and from the driver store.

.PARAMETER Certificate
Also stop trusting the test certificates that install.ps1 may have trusted.
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
foreach ($package in $packages) {
    if ($PSCmdlet.ShouldProcess($package, 'pnputil /delete-driver /uninstall')) {
        $exit = Invoke-Tool pnputil @('/delete-driver', $package, '/uninstall') -Allowed 0, 3010 `
            -Hint 'Close programs that use the device (eductl), then try again.'
        if ($exit -eq 3010) { Write-Warning 'Windows must be restarted to finish.' }
    }
}

if ($Certificate) {
    $subjects = 'CN=edu_kmdf test certificate', 'CN=WDRLocalTestCert'
    foreach ($store in 'Root', 'TrustedPublisher') {
        Get-ChildItem "Cert:\LocalMachine\$store" |
            Where-Object { $subjects -contains $_.Subject } |
            ForEach-Object {
                if ($PSCmdlet.ShouldProcess("Cert:\LocalMachine\$store", "remove $($_.Subject)")) {
                    Remove-Item $_.PSPath
                }
            }
    }
}

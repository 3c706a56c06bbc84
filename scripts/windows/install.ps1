# NOT RUN ON WINDOWS YET: written from the documentation, parsed, never executed.
<#
.SYNOPSIS
Installs a test-signed driver package on this machine. For test machines only.

.DESCRIPTION
Trusts the package's test certificate, adds the package to the driver store and installs it on the
edu devices of this machine. Whoever has the certificate's key can sign drivers that this machine
then loads: use a virtual machine.

.PARAMETER Package
The directory that build.ps1 or package.ps1 made.
#>
[CmdletBinding(SupportsShouldProcess)]
param(
    [string] $Package
)
. "$PSScriptRoot\common.ps1"
Assert-Elevated

if (-not $Package) {
    $Package = 'target\release', 'target\debug', 'target' |
        ForEach-Object { Join-Path $Repository "$_\${ServiceName}_package" } |
        Where-Object { Test-Path $_ } |
        Select-Object -First 1
    if (-not $Package) { throw 'There is no package: run build.ps1 or package.ps1, or name its directory with -Package.' }
}
# Of one of the INFs of inf/: that for DIRQL or that for PASSIVE_LEVEL.
$infs = @(Get-ChildItem -Path $Package -Filter "$ServiceName*.inf")
if ($infs.Count -ne 1) { throw "$Package has $($infs.Count) INFs of the driver, not one." }
$inf = $infs[0].FullName
foreach ($file in (Join-Path $Package "$ServiceName.sys"), [IO.Path]::ChangeExtension($inf, 'cat')) {
    if (-not (Test-Path $file)) { throw "The package lacks $file." }
}

# Windows loads a test-signed driver only in test mode, and Secure Boot forbids that mode.
$code = Get-ItemProperty 'HKLM:\SYSTEM\CurrentControlSet\Control' -Name SystemStartOptions
if ($code.SystemStartOptions -notmatch 'TESTSIGNING') {
    $hint = 'Windows is not in test mode: run `bcdedit /set testsigning on` elevated (with Secure Boot off) and restart.'
    if ($WhatIfPreference) { Write-Warning $hint } else { throw $hint }
}

$certificates = @(Get-ChildItem -Path $Package -Filter *.cer)
if ($certificates.Count -ne 1) {
    throw "$Package has $($certificates.Count) certificates (*.cer), not one."
}
foreach ($store in 'Root', 'TrustedPublisher') {
    if ($PSCmdlet.ShouldProcess("Cert:\LocalMachine\$store", "trust $($certificates[0].Name)")) {
        $null = Import-Certificate -FilePath $certificates[0].FullName -CertStoreLocation "Cert:\LocalMachine\$store"
    }
}

if (-not $PSCmdlet.ShouldProcess($inf, 'pnputil /add-driver /install')) { return }
# 259: no device for it, or a newer driver is on it; 3010: a restart is needed.
$exit = Invoke-Tool pnputil @('/add-driver', $inf, '/install') -Allowed 0, 259, 3010 `
    -Hint 'C:\Windows\INF\setupapi.dev.log says more.'
if ($exit -eq 3010) { Write-Warning 'Windows must be restarted to finish.' }

$devices = @(Get-EduDevice)
if (-not $devices) {
    Write-Warning "The package is installed, but there is no device ${HardwareId}: start QEMU with -device edu."
}
foreach ($device in $devices) {
    Write-Host "$($device.InstanceId): $($device.Status), problem $($device.Problem)"
}
Write-Host 'Next: eductl info'

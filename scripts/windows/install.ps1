# NOT RUN ON WINDOWS YET: written from the documentation, parsed, never executed.
<#
.SYNOPSIS
Installs a test-signed driver package on this machine. For test machines only.

.DESCRIPTION
Trusts the package's test certificate, removes other packages of this driver, adds this one to the
driver store and installs it on the edu devices of this machine. Fails unless each of them then runs
this package's driver. Whoever has the certificate's key can sign drivers that this machine then
loads: use a virtual machine.

.PARAMETER Package
The directory of the package [default: that of this script if it is in one, else the newest that
build.ps1, package.ps1 or package.sh made].
#>
[CmdletBinding(SupportsShouldProcess)]
param(
    [string] $Package
)
. "$PSScriptRoot\common.ps1"
Assert-Elevated

# package.sh puts this script into the package.
if (-not $Package -and (Test-Path (Join-Path $PSScriptRoot "$ServiceName.sys"))) { $Package = $PSScriptRoot }
if (-not $Package) {
    $Package = Get-ChildItem -Path (Join-Path $Repository 'target\*'), (Join-Path $Repository 'target\*\*') `
        -Directory -Filter "${ServiceName}*_package" -ErrorAction SilentlyContinue |
        Where-Object { Test-Path (Join-Path $_.FullName "$ServiceName.sys") } |
        Sort-Object { (Get-Item (Join-Path $_.FullName "$ServiceName.sys")).LastWriteTime } |
        Select-Object -Last 1 -ExpandProperty FullName
    if (-not $Package) { throw 'There is no package: run build.ps1 or package.ps1, or name its directory with -Package.' }
}
Write-Host "The package: $Package"
# Of one of the INFs of inf/: that for DIRQL or that for PASSIVE_LEVEL.
$infs = @(Get-ChildItem -Path $Package -Filter "$ServiceName*.inf")
if ($infs.Count -ne 1) { throw "$Package has $($infs.Count) INFs of the driver, not one." }
$inf = $infs[0].FullName
$version = Get-InfVersion $inf
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

if (-not $PSCmdlet.ShouldProcess($inf, 'remove other packages of the driver, pnputil /add-driver /install')) { return }
# Windows keeps the package with the higher DriverVer, which need not be this one.
Remove-InstalledPackage
# 259: no device takes it; the check below says why. 3010: a restart is needed.
$exit = Invoke-Tool pnputil @('/add-driver', $inf, '/install') -Allowed 0, 259, 3010 `
    -Hint 'C:\Windows\INF\setupapi.dev.log says more.'
if ($exit -eq 3010) { throw 'Windows must be restarted to finish; then run this again.' }

$devices = @(Get-EduDevice)
if (-not $devices) {
    throw "The package is in the driver store, but there is no device ${HardwareId}: start QEMU with -device edu."
}
$wrong = @()
foreach ($device in $devices) {
    $problem = Get-DeviceProperty $device.InstanceId 'DEVPKEY_Device_ProblemCode'
    $service = Get-DeviceProperty $device.InstanceId 'DEVPKEY_Device_Service'
    $running = Get-DeviceProperty $device.InstanceId 'DEVPKEY_Device_DriverVersion'
    Write-Host "$($device.InstanceId): $($device.Status), service $service, driver $running, problem code $problem"
    if ($problem) { $wrong += "$($device.InstanceId) has problem code $problem (docs/windows.md says what it means)" }
    elseif ($service -ne $ServiceName) { $wrong += "$($device.InstanceId) is driven by '$service', not by $ServiceName" }
    elseif ([version] $running -ne [version] $version) {
        $wrong += "$($device.InstanceId) runs driver $running, not $version of this package"
    }
}
if ($wrong) { throw "The new driver does not run:`n  $($wrong -join "`n  ")" }
Write-Host 'Next, elevated: eductl info'

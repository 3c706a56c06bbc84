# NOT RUN ON WINDOWS YET: written from Microsoft's documentation, parsed, never executed.
#
# What the scripts of this directory share; they dot-source it.

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

$ServiceName = 'edu_kmdf'
$HardwareId = 'PCI\VEN_1234&DEV_11E8'
$Repository = (Resolve-Path (Join-Path $PSScriptRoot '..\..')).Path
$WdfParameters = "HKLM:\SYSTEM\CurrentControlSet\Services\$ServiceName\Parameters\Wdf"
# Subjects of test certificates: those of package.ps1 and package.sh, and that of wdk-build.
$TestCertificates = 'CN=edu_kmdf test certificate', 'CN=WDRLocalTestCert'

# Ends the script unless it runs elevated: what follows changes the system. With -WhatIf nothing
# changes, so it may run as anybody, unless even reading takes that right.
function Assert-Elevated {
    param([switch] $ToRead)
    if ($WhatIfPreference -and -not $ToRead) { return }
    $principal = [Security.Principal.WindowsPrincipal][Security.Principal.WindowsIdentity]::GetCurrent()
    if (-not $principal.IsInRole([Security.Principal.WindowsBuiltInRole]::Administrator)) {
        $else = if ($ToRead) { '' } else { ', or with -WhatIf' }
        throw "This takes an administrator: run it in an elevated PowerShell (Run as administrator)$else."
    }
}

# Runs a program of the system and ends the script if its exit code is none of those allowed.
# Returns the exit code; what the program says goes to the console.
function Invoke-Tool {
    param(
        [Parameter(Mandatory)] [string] $Program,
        [Parameter(Mandatory)] [string[]] $Arguments,
        [int[]] $Allowed = @(0),
        [string] $Hint = ''
    )
    # Under remoting and in the ISE a line on a program's standard error is an error of the script,
    # and PowerShell 7.4 makes one of every exit code. Only the exit code decides here. The function's
    # own copies of both variables end with it.
    $ErrorActionPreference = 'Continue'
    $PSNativeCommandUseErrorActionPreference = $false
    Write-Host "> $Program $($Arguments -join ' ')"
    & $Program @Arguments | Out-Host
    $exit = $LASTEXITCODE
    if ($Allowed -notcontains $exit) {
        throw "$Program ended with exit code $exit. $Hint"
    }
    $exit
}

# The driver packages of this driver in the driver store, of either INF, as oemNN.inf.
function Get-InstalledPackage {
    Get-WindowsDriver -Online |
        Where-Object { (Split-Path -Leaf $_.OriginalFileName) -match "^$ServiceName(_passive)?\.inf$" } |
        Select-Object -ExpandProperty Driver
}

# The edu devices of this machine.
function Get-EduDevice {
    Get-PnpDevice -PresentOnly | Where-Object { $_.InstanceId.StartsWith($HardwareId) }
}

# A property of a device, or nothing where it has none.
function Get-DeviceProperty {
    param(
        [Parameter(Mandatory)] [string] $InstanceId,
        [Parameter(Mandatory)] [string] $Name
    )
    $property = Get-PnpDeviceProperty -InstanceId $InstanceId -KeyName $Name -ErrorAction SilentlyContinue
    if ($property -and $property.Type -ne 'Empty') { $property.Data }
}

# Removes this driver's packages from their devices and from the driver store.
function Remove-InstalledPackage {
    foreach ($package in @(Get-InstalledPackage)) {
        $exit = Invoke-Tool pnputil @('/delete-driver', $package, '/uninstall') -Allowed 0, 3010 `
            -Hint 'Close programs that use the device (eductl), then try again.'
        if ($exit -eq 3010) { Write-Warning 'Windows must be restarted to finish.' }
    }
}

# The version in DriverVer of an INF.
function Get-InfVersion {
    param([Parameter(Mandatory)] [string] $Inf)
    $line = Select-String -Path $Inf -Pattern '^\s*DriverVer\s*=\s*[^,;]+,\s*([0-9.]+)' | Select-Object -First 1
    if (-not $line) { throw "$Inf has no DriverVer with a version: it was not stamped." }
    $line.Matches[0].Groups[1].Value
}

# NOT RUN ON WINDOWS YET: written from Microsoft's documentation, parsed, never executed.
#
# What the scripts of this directory share; they dot-source it.

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

$ServiceName = 'edu_kmdf'
$HardwareId = 'PCI\VEN_1234&DEV_11E8'
$Repository = (Resolve-Path (Join-Path $PSScriptRoot '..\..')).Path
$WdfParameters = "HKLM:\SYSTEM\CurrentControlSet\Services\$ServiceName\Parameters\Wdf"

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
    Write-Host "> $Program $($Arguments -join ' ')"
    & $Program @Arguments | Out-Host
    if ($Allowed -notcontains $LASTEXITCODE) {
        throw "$Program ended with exit code $LASTEXITCODE. $Hint"
    }
    $LASTEXITCODE
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

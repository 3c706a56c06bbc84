# NOT RUN ON WINDOWS YET: written from the documentation, parsed, never executed.
<#
.SYNOPSIS
The guest's part: does what the host asks for over the serial port, and says how that went.

.DESCRIPTION
What is asked, in which order, and whether an answer is right, scripts/vm decides. For its virtual machine only:
whoever holds the other end of the port has SYSTEM's rights here.

.PARAMETER Port
The serial port.
#>
[CmdletBinding()]
param(
    [string] $Port = 'COM1'
)
. "$PSScriptRoot\..\common.ps1"
. "$PSScriptRoot\serial.ps1"

# The most that is told of what a program wrote.
$LongestOutput = 16000

# How often this began on this disk.
function Get-BootNumber {
    $file = Join-Path $env:ProgramData 'edu_kmdf\boots.txt'
    $number = 1
    if (Test-Path $file) { $number += [int] [IO.File]::ReadAllText($file) }
    [IO.File]::WriteAllText($file, "$number")
    $number
}

# Starts a program, or a PowerShell script, with what it writes in files. A path that begins with a
# backslash is on this medium.
function Start-Program {
    param(
        [Parameter(Mandatory)] [string] $File,
        [string[]] $Arguments = @()
    )
    if ($File.StartsWith('\')) { $File = (Split-Path -Qualifier $PSScriptRoot) + $File }
    $words = @($Arguments)
    if ($File.EndsWith('.ps1')) {
        $words = @('-NoProfile', '-NonInteractive', '-ExecutionPolicy', 'Bypass', '-File', $File) + $words
        $File = 'powershell.exe'
    }
    $stem = Join-Path ([IO.Path]::GetTempPath()) ([IO.Path]::GetRandomFileName())
    $start = @{
        FilePath               = $File
        PassThru               = $true
        NoNewWindow            = $true
        RedirectStandardOutput = "$stem.out"
        RedirectStandardError  = "$stem.err"
    }
    if ($words.Count) { $start.ArgumentList = $words }
    $began = Get-Date
    $process = Start-Process @start
    # Without a handle that is held, the exit code is lost with the process.
    $null = $process.Handle
    @{ Process = $process; Stem = $stem; Began = $began }
}

# Waits for a program and says how it ended. One that does not end in time is ended; one that Windows cannot
# end, since a request of it does not end, is left.
function Wait-Program {
    param(
        [Parameter(Mandatory)] [hashtable] $Started,
        [Parameter(Mandatory)] [int] $Seconds
    )
    $process = $Started.Process
    $ended = $process.WaitForExit($Seconds * 1000)
    if (-not $ended) { Stop-Process -Force -Id $process.Id -ErrorAction SilentlyContinue }
    @{
        'exit'  = $(if ($ended) { $process.ExitCode })
        seconds = [Math]::Round(((Get-Date) - $Started.Began).TotalSeconds, 2)
        output  = Get-Output "$($Started.Stem).out"
        errors  = Get-Output "$($Started.Stem).err"
    }
}

# The end of a file that a program may still have open.
function Get-Output {
    param([Parameter(Mandatory)] [string] $File)
    $stream = [IO.File]::Open($File, 'Open', 'Read', 'ReadWrite, Delete')
    try { $text = (New-Object -TypeName IO.StreamReader -ArgumentList $stream).ReadToEnd() } finally { $stream.Dispose() }
    $text.Substring([Math]::Max(0, $text.Length - $LongestOutput))
}

# The edu devices, as Windows has them.
function Get-DeviceState {
    foreach ($device in @(Get-EduDevice)) {
        $problem = Get-DeviceProperty $device.InstanceId 'DEVPKEY_Device_ProblemCode'
        @{
            instance = $device.InstanceId
            status   = "$($device.Status)"
            problem  = $(if ($problem) { [int] $problem })
            service  = Get-DeviceProperty $device.InstanceId 'DEVPKEY_Device_Service'
            version  = Get-DeviceProperty $device.InstanceId 'DEVPKEY_Device_DriverVersion'
        }
    }
}

# The bug checks of this installation.
function Get-CrashState {
    $paths = (Join-Path $env:SystemRoot 'MEMORY.DMP'), (Join-Path $env:SystemRoot 'Minidump\*.dmp')
    $dumps = @(Get-ChildItem -Path $paths -ErrorAction SilentlyContinue | ForEach-Object { "$($_.FullName)" })
    $filter = @{ LogName = 'System'; ProviderName = 'Microsoft-Windows-WER-SystemErrorReporting'; Id = 1001 }
    $events = @(Get-WinEvent -FilterHashtable $filter -ErrorAction SilentlyContinue | ForEach-Object { "$($_.Message)" })
    @{ dumps = $dumps; events = $events }
}

# Does what is asked for; what it returns is the answer's value.
function Invoke-Request {
    param([Parameter(Mandatory)] $Request)
    switch ($Request.do) {
        'run' { return Wait-Program (Start-Program $Request.file $Request.arguments) $Request.seconds }
        'start' {
            $script:Load = Start-Program $Request.file $Request.arguments
            return @{}
        }
        'finish' { return Wait-Program $script:Load $Request.seconds }
        # The comma keeps a list of one or none a list.
        'devices' { return , @(Get-DeviceState) }
        'crashes' { return Get-CrashState }
        'restart' { return @{} }
        'shutdown' { return @{} }
    }
    throw "the guest's scripts cannot do '$($Request.do)'"
}

$line = Open-Line $Port (Get-BootNumber)
$options = (Get-ItemProperty 'HKLM:\SYSTEM\CurrentControlSet\Control' -Name SystemStartOptions).SystemStartOptions
Send-Line $line @{
    say       = 'hello'
    protocol  = 1
    windows   = "$([Environment]::OSVersion.Version)"
    test_mode = $options -match 'TESTSIGNING'
}
while ($true) {
    $request = Read-Line $line
    $answer = @{ say = 'answer'; to = $request.Number }
    try { $answer.value = Invoke-Request $request.Request } catch { $answer.error = "$_" }
    Send-Line $line $answer
    switch ($request.Request.do) {
        'restart' { Restart-Computer -Force; return }
        'shutdown' { Stop-Computer -Force; return }
    }
}

# NOT RUN ON WINDOWS YET: written from Microsoft's documentation, parsed, never executed.
#
# The guest's end of the protocol on the serial port; scripts/vm/src/line.rs says what its lines are.

# The Adler-32 checksum of an ASCII text, as eight hexadecimal digits.
function Get-Checksum {
    param([Parameter(Mandatory)] [string] $Text)
    $low = 1
    $high = 0
    foreach ($byte in [Text.Encoding]::ASCII.GetBytes($Text)) {
        $low = ($low + $byte) % 65521
        $high = ($high + $low) % 65521
    }
    '{0:x4}{1:x4}' -f $high, $low
}

# A value as JSON in one line of ASCII.
function ConvertTo-Line {
    param([Parameter(Mandatory)] $Value)
    $json = ConvertTo-Json -InputObject $Value -Compress -Depth 6
    [regex]::Replace($json, '[^\x20-\x7e]', { '\u{0:x4}' -f [int][char] $args[0].Value })
}

# Opens the port. The empty line ends what firmware may have left on it.
function Open-Line {
    param(
        [Parameter(Mandatory)] [string] $Port,
        [Parameter(Mandatory)] [int] $Boot
    )
    $serial = New-Object -TypeName System.IO.Ports.SerialPort -ArgumentList $Port, 115200, 'None', 8, 'One'
    $serial.Encoding = [Text.Encoding]::ASCII
    $serial.NewLine = "`n"
    $serial.ReadBufferSize = 65536
    $serial.Open()
    $serial.Write("`r`n")
    @{ Serial = $serial; Boot = $Boot; Sent = 0 }
}

# Says something to the host.
function Send-Line {
    param(
        [Parameter(Mandatory)] [hashtable] $Line,
        [Parameter(Mandatory)] [hashtable] $Value
    )
    $Line.Sent++
    $text = "EDU $($Line.Boot).$($Line.Sent) $(ConvertTo-Line $Value)"
    $Line.Serial.Write("$text $(Get-Checksum $text)`r`n")
}

# Waits for the host's next request. A line that is damaged is none: the host's time limit ends the wait.
function Read-Line {
    param([Parameter(Mandatory)] [hashtable] $Line)
    while ($true) {
        $text = $Line.Serial.ReadLine().Trim()
        if ($text -match '^(HOST ([0-9]+) (\{.*\})) ([0-9a-f]{8})$') {
            $found = $Matches
            if ((Get-Checksum $found[1]) -eq $found[4]) {
                return @{ Number = [int] $found[2]; Request = ConvertFrom-Json $found[3] }
            }
        }
    }
}

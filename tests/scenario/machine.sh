# SPDX-License-Identifier: Apache-2.0
# The Windows machine of the scenario; sourced after tests/lib/wine.sh, with $t_dir a folder
# to work in.  README.md beside says what stands for what.
#
#   scenario_make BUILD    a machine with the extension, without the runtime, and with the
#                          Windows Installer service disabled; WINEPREFIX is set

scenario_here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
scenario_name=Microsoft.Azure.RecoveryServices.VMSnapshot

scenario_make() {
    local build=$1
    "$scenario_here/build" "$t_dir/parts" || return 1
    wine_prefix machine || return 1
    # Wine has runtime libraries of its own: away with them, and with looking for them
    rm -f "$WINEPREFIX"/drive_c/windows/system32/msvc[rp]120.dll
    for library in msvcr120 msvcp120; do
        win reg add 'HKCU\Software\Wine\DllOverrides' /v $library /t REG_SZ /d native /f \
            > /dev/null || return 1
    done
    scenario_plugins=$WINEPREFIX/drive_c/Packages/Plugins
    scenario_package "$build" 1.0.9120.0 && scenario_package "$build" 1.0.10000.0 || return 1
    # what lies beside the versions of a package after some years
    mkdir -p "$scenario_plugins/$scenario_name"/{backup,1.0.99999.0,9.9-old,latest}
    win "$t_dir/parts/service.exe" 4
}

# One version of the extension, with the installer of the runtime in its folder.
scenario_package() { # BUILD VERSION
    local v=$scenario_plugins/$scenario_name/$2
    mkdir -p "$v/bin" "$v/RuntimeSettings"
    cp "$1/src/extension/firn-extension.exe" "$1/src/extension/firn-plugin-host.exe" "$v/bin/"
    cp "$t_dir/parts/iaasvmprovider.dll" "$v/bin/"
    cp "$t_dir/parts/vcredist2013_x64.exe" "$t_dir/parts/vcredist2013_x64.msi" "$v/"
    cat > "$t_dir/parts/parts.json" << 'END'
"prerequisites": [{"name": "vcredist2013", "title": "Visual C++ 2013 (x64)",
  "probe": {"libraries": ["msvcr120.dll", "msvcp120.dll"], "sameVersion": true},
  "installer": {"file": "vcredist2013_x64.exe", "kind": "windows", "deadlineSeconds": 120,
    "arguments": ["/install", "/quiet", "/norestart"]},
  "override": {"key": "SOFTWARE\\Microsoft\\BcdrAgentPersistentKeys",
    "value": "IsVCRedistInstalled"},
  "failure": "ExtensionVCRedistInstallationFailure"}],
"plugins": [{"name": "iaasvmprovider", "file": "bin/iaasvmprovider.dll",
  "requires": ["vcredist2013"]}]
END
    "$scenario_here/../../tools/mkpackage" "$v" "$scenario_name" "$2" windows-x86_64 \
        "$t_dir/parts/parts.json" > /dev/null || return 1
    printf Enabled > "$v/RuntimeSettings/HandlerState"
}

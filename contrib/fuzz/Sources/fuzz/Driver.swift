import Glibc

// libFuzzer's entry points. SwiftPM renames an executable's main to TARGET_main, so that libFuzzer's own never runs:
// it is started here, with the entry that the environment names.

/// FUZZ_ENTRY, looked up once.
nonisolated(unsafe) private var chosen: FuzzEntry?

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzerTestOneInput(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  chosen?.run(UnsafeRawBufferPointer(start: data, count: count))
  return 0
}

@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
  _ count: UnsafeMutablePointer<CInt>,
  _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
  _ test: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt

@_cdecl("fuzz_main")
public func fuzzMain(_ count: CInt, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> CInt {
  let name = getenv("FUZZ_ENTRY").map { String(cString: $0) } ?? ""
  chosen = FuzzEntry.all.first { $0.name == name }
  guard chosen != nil else {
    print("FUZZ_ENTRY must be one of: \(FuzzEntry.all.map(\.name).joined(separator: " "))")
    return 64
  }
  var (count, arguments) = (count, arguments)
  return runDriver(&count, &arguments, fuzzerTestOneInput)
}

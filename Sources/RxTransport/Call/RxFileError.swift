import Glibc
public import RxCore

/// Why a call's data could not be moved between it and a file.
public enum RxFileError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The call failed.
  case call(RxCallError)
  /// Reading or writing the file failed with `errno` at `offset`. The call goes on: bytes before `offset` have been
  /// moved, those behind have not been taken from the stream. It may be continued or aborted.
  case file(errno: Int32, offset: Int64)
  /// The file to be sent ends at `offset`, before `count` bytes. Those before have been handed to the call, which goes
  /// on; `last` has not taken effect.
  case shortFile(offset: Int64)

  public var description: String {
    switch self {
    case .call(let error): "\(error)"
    case .file(let errno, let offset): "the file at offset \(offset): \(String(cString: strerror(errno)))"
    case .shortFile(let offset): "the file ends at \(offset), before the data to be sent"
    }
  }
}

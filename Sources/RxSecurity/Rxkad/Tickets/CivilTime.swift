/// A date of the Gregorian calendar with its time of day, in UTC.
struct CivilTime: Hashable {
  var year: Int64
  var month: Int64
  var day: Int64
  var hour: Int64
  var minute: Int64
  var second: Int64

  /// nil for a date or time that does not exist. A leap second counts as the second after it.
  var secondsSince1970: Int64? {
    guard (1...9999).contains(year), (1...12).contains(month), (1...31).contains(day), (0...23).contains(hour),
      (0...59).contains(minute), (0...60).contains(second), day <= Self.days(in: month, of: year)
    else { return nil }
    return Self.days(before: year, month) * 86400 + (day - 1) * 86400 + hour * 3600 + minute * 60 + second
  }

  private static func isLeap(_ year: Int64) -> Bool { year % 4 == 0 && year % 100 != 0 || year % 400 == 0 }

  private static func days(in month: Int64, of year: Int64) -> Int64 {
    if month == 2 { return isLeap(year) ? 29 : 28 }
    return [4, 6, 9, 11].contains(month) ? 30 : 31
  }

  /// Days from 1970-01-01 to the first of a month.
  private static func days(before year: Int64, _ month: Int64) -> Int64 {
    let years = year - 1
    let toYear = years * 365 + years / 4 - years / 100 + years / 400 - 719_162
    return (1..<month).reduce(toYear) { $0 + days(in: $1, of: year) }
  }

  init(year: Int64, month: Int64, day: Int64, hour: Int64, minute: Int64, second: Int64) {
    self.year = year
    self.month = month
    self.day = day
    self.hour = hour
    self.minute = minute
    self.second = second
  }

  /// From 1970 to 9999; earlier or later times are moved there.
  init(secondsSince1970 seconds: Int64) {
    let bounded = min(max(seconds, 0), 253_402_300_799)
    var day = bounded / 86400
    let time = bounded % 86400
    var year: Int64 = 1970
    while day >= (Self.isLeap(year) ? 366 : 365) {
      day -= Self.isLeap(year) ? 366 : 365
      year += 1
    }
    var month: Int64 = 1
    while day >= Self.days(in: month, of: year) {
      day -= Self.days(in: month, of: year)
      month += 1
    }
    self.init(
      year: year, month: month, day: day + 1, hour: time / 3600, minute: time / 60 % 60, second: time % 60)
  }
}

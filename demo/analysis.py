"""Summarise the weather by month: reads seattle-weather.csv and writes monthly.csv."""

import pandas as pd

days = pd.read_csv("seattle-weather.csv", parse_dates=["date"])
days["month"] = days["date"].dt.month_name().str[:3]
monthly = (
    days.groupby("month", sort=False)
    .agg(
        rain_mm=("precipitation", lambda rain: rain.sum() / days["date"].dt.year.nunique()),
        wet_days=("precipitation", lambda rain: (rain > 0).sum() / days["date"].dt.year.nunique()),
        warmest=("temp_max", "max"),
        coldest=("temp_min", "min"),
    )
    .round(1)
)
monthly.to_csv("monthly.csv")
print(
    f"Seattle, {days['date'].min():%Y} to {days['date'].max():%Y}, {len(days)} days, pandas {pd.__version__}\n"
)
print(monthly.to_string())
